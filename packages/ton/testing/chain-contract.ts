/** A contract for tests of chains: anybody may order, get methods of all kinds, and ways to fail. */
import {
  type Address,
  beginCell,
  Cell,
  contractAddress,
  external,
  type MessageRelaxed,
  type StateInit,
  storeMessage,
  storeMessageRelaxed,
} from '@ton/core';
import { runTolkCompiler } from '@ton/tolk-js';

const SOURCE = `
import "@stdlib/gas-payments"

struct Storage { id: uint256; seqno: uint32 }

fun onInternalMessage(in: InMessage) {
  if (in.body.isEmpty()) { return; }
  throw 55;
}

fun onExternalMessage(inMsg: slice) {
  var storage = Storage.fromCell(contract.getData());
  assert (inMsg.loadUint(32) == storage.seqno) throw 33;
  acceptExternalMessage();
  storage.seqno += 1;
  contract.setData(storage.toCell());
  while (inMsg.remainingRefsCount() > 0) {
    sendRawMessage(inMsg.loadRef(), 1);
  }
}

fun onBouncedMessage(_: InMessageBounced) {}

get fun seqno(): int { return Storage.fromCell(contract.getData()).seqno; }
get fun difference(a: int, b: int): int { return a - b; }
get fun fails(): int { throw 77; }
get fun echo(c: cell, s: slice): (cell, slice) { return (c, s); }
get fun nothing(): cell? { return null; }
get fun nested(): [int, [int, int]] { return [1, [-2, 3]]; }
`;

let compiled: Promise<Cell> | undefined;

/** Compiled once for a process; takes about a second. */
function contractCode(): Promise<Cell> {
  compiled ??= runTolkCompiler({
    entrypointFileName: 'main.tolk',
    fsReadCallback: () => SOURCE,
  }).then((result) => {
    if (result.status === 'error') throw new Error(result.message);
    return Cell.fromBase64(result.codeBoc64);
  });
  return compiled;
}

export interface TestContract {
  readonly address: Address;
  readonly init: StateInit & { readonly code: Cell; readonly data: Cell };
  /** An external message that sends `messages`, up to four. Whoever hands in the right number is obeyed. */
  order(seqno: number, messages: readonly MessageRelaxed[], deploy?: boolean): Cell;
}

/** @param id makes the address */
export async function testContract(id: bigint): Promise<TestContract> {
  const data = beginCell().storeUint(id, 256).storeUint(0, 32).endCell();
  const init = { code: await contractCode(), data };
  const address = contractAddress(0, init);
  return {
    address,
    init,
    order(seqno, messages, deploy = false) {
      const body = beginCell().storeUint(seqno, 32);
      for (const message of messages) body.storeRef(beginCell().store(storeMessageRelaxed(message)).endCell());
      const whole = external({ to: address, body: body.endCell(), ...(deploy ? { init } : {}) });
      return beginCell().store(storeMessage(whole)).endCell();
    },
  };
}
