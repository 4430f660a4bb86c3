import { COSTS_FILE } from '../data-folder.ts';
import { reportCommand } from './costs-report.ts';

export const costs = reportCommand({
  name: 'costs',
  summary: 'Show what requests cost: by day, model and API key',
  part: 'client',
  file: COSTS_FILE,
  party: 'API key',
});
