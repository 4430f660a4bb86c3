export { csvOf } from './csv.ts';
export { type Diary, type DiaryDeps, type DiaryOptions, openDiary, readDiary } from './diary.ts';
export { DiaryError, type DiaryErrorCode } from './errors.ts';
export {
  type CountedTokens,
  checkDay,
  DIMENSIONS,
  type DiaryEntry,
  type Dimension,
  type Query,
  type Row,
  type Usage,
} from './usage.ts';
