export { JsonError, type JsonErrorCode } from './errors.ts';
export { type Member, membersOf, memberValue, splice } from './members.ts';
