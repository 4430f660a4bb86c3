import assert from 'node:assert/strict';
import { it } from 'node:test';
import { type CommitView, isCommitDue } from './commits.ts';
import { defaultPolicy as policy } from './policy.ts';

const view: CommitView = { uncommitted: 0n, awaited: false, first: false, sinceMs: Number.POSITIVE_INFINITY };
const due = (over: Partial<CommitView>) => isCommitDue({ ...view, ...over }, policy);

it('nothing uncommitted is never committed, however long ago the last commit was', () => {
  assert.equal(due({}), false);
});

it('a large sum is committed after 30 seconds, a small one after an hour', () => {
  assert.equal(due({ uncommitted: policy.commitAt, sinceMs: 29_999 }), false);
  assert.equal(due({ uncommitted: policy.commitAt, sinceMs: 30_000 }), true);
  assert.equal(due({ uncommitted: policy.commitAt - 1n, sinceMs: 3_599_999 }), false);
  assert.equal(due({ uncommitted: 1n, sinceMs: 3_600_000 }), true);
});

it('the first commit of a process, and one that somebody waits for, are made at once but not twice in a row', () => {
  assert.equal(due({ first: true }), true);
  assert.equal(due({ first: true, sinceMs: 2_000 }), false);
  assert.equal(due({ awaited: true, sinceMs: 30_000 }), true);
});
