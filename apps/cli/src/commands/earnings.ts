import { EARNINGS_FILE } from '../data-folder.ts';
import { reportCommand } from './costs-report.ts';

export const earnings = reportCommand({
  name: 'earnings',
  summary: 'Show what this worker earned: by day, model and proxy',
  part: 'worker',
  file: EARNINGS_FILE,
  party: 'Proxy contract',
});
