export { eventually } from './eventually.ts';
export { FakeClock, turn } from './fake-clock.ts';
export { type RecordedUnit, recordedConversation } from './recordings.ts';
