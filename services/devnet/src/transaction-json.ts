/** Transactions and messages in the JSON of the public API. */
import { type Address, beginCell, Cell, loadTransaction, type Message, storeStateInit } from '@ton/core';
import type { StoredTransaction } from './records.ts';

export function transactionJson({ address, lt, hash, cell }: StoredTransaction): object {
  const transaction = loadTransaction(Cell.fromBoc(cell)[0]!.beginParse());
  const { description, inMessage, outMessages, totalFees, now } = transaction;
  const storage = 'storagePhase' in description ? (description.storagePhase?.storageFeesCollected ?? 0n) : 0n;
  const sent = [...outMessages.values()];
  let fee = totalFees.coins;
  for (const { info } of sent) if (info.type === 'internal') fee += info.forwardFee;
  return {
    '@type': 'raw.transaction',
    address: { '@type': 'accountAddress', account_address: friendly(address) },
    utime: now,
    data: cell.toString('base64'),
    transaction_id: transactionId(lt, hash),
    fee: String(fee),
    storage_fee: String(storage),
    other_fee: String(fee - storage),
    ...(inMessage ? { in_msg: messageJson(inMessage) } : {}),
    out_msgs: sent.map(messageJson),
  };
}

export function transactionId(lt: bigint, hash: Buffer): object {
  return { '@type': 'internal.transactionId', lt: String(lt), hash: hash.toString('base64') };
}

/** As public servers write it: URL-safe and bounceable. */
export function friendly(address: Address): string {
  return address.toString({ urlSafe: true, bounceable: true });
}

function messageJson(message: Message): object {
  const { info, body, init } = message;
  const internal = info.type === 'internal' ? info : undefined;
  const text = commentOf(body);
  const state = init ? beginCell().store(storeStateInit(init)).endCell().toBoc().toString('base64') : '';
  return {
    '@type': 'raw.message',
    source: info.type === 'external-in' ? '' : friendly(info.src),
    destination: info.type === 'external-out' ? '' : friendly(info.dest),
    value: String(internal?.value.coins ?? 0n),
    fwd_fee: String(internal?.forwardFee ?? 0n),
    ihr_fee: String(internal?.ihrFee ?? 0n),
    created_lt: String(info.type === 'external-in' ? 0n : info.createdLt),
    body_hash: body.hash().toString('base64'),
    msg_data:
      text === undefined
        ? { '@type': 'msg.dataRaw', body: body.toBoc().toString('base64'), init_state: state }
        : { '@type': 'msg.dataText', text: Buffer.from(text).toString('base64') },
    message: text ?? '',
  };
}

/** The text of a message that starts with 32 zero bits, undefined for any other. */
function commentOf(body: Cell): string | undefined {
  if (body.isExotic) return undefined;
  const slice = body.beginParse();
  if (slice.remainingBits < 32 || slice.loadUint(32) !== 0) return undefined;
  try {
    return slice.loadStringTail();
  } catch {
    return undefined;
  }
}
