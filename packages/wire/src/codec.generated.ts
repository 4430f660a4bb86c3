// biome-ignore-all format: written by a program
/** The codec of every object. Written by generate.ts from schema.ts; a test compares them. */
import { paddedSize, textSize } from './bytes.ts';
import { boxed, type ObjectCodec, present, readVector, vectorSize, writeVector, wrongKind } from './codec.ts';
import type { Tl, TlObject, TlOfType } from './value.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export const tcp_connect: ObjectCodec<Tl<'tcp.connect'>> = {
  kind: 'tcp.connect', id: 0xa57c4261, type: 'tcp.Packet',
  size: () => 8,
  read(from) {
    return { kind: 'tcp.connect', id: from.int64() };
  },
  write(it, to) {
    if (it.kind !== 'tcp.connect') throw wrongKind(it, 'tcp.connect');
    to.int64(it.id);
  },
};

export const tcp_connected: ObjectCodec<Tl<'tcp.connected'>> = {
  kind: 'tcp.connected', id: 0x636d41d6, type: 'tcp.Packet',
  size: () => 8,
  read(from) {
    return { kind: 'tcp.connected', id: from.int64() };
  },
  write(it, to) {
    if (it.kind !== 'tcp.connected') throw wrongKind(it, 'tcp.connected');
    to.int64(it.id);
  },
};

export const tcp_ping: ObjectCodec<Tl<'tcp.ping'>> = {
  kind: 'tcp.ping', id: 0xbbe9627c, type: 'tcp.Packet',
  size: () => 8,
  read(from) {
    return { kind: 'tcp.ping', id: from.int64() };
  },
  write(it, to) {
    if (it.kind !== 'tcp.ping') throw wrongKind(it, 'tcp.ping');
    to.int64(it.id);
  },
};

export const tcp_pong: ObjectCodec<Tl<'tcp.pong'>> = {
  kind: 'tcp.pong', id: 0x0bd4302c, type: 'tcp.Packet',
  size: () => 8,
  read(from) {
    return { kind: 'tcp.pong', id: from.int64() };
  },
  write(it, to) {
    if (it.kind !== 'tcp.pong') throw wrongKind(it, 'tcp.pong');
    to.int64(it.id);
  },
};

export const tcp_packet: ObjectCodec<Tl<'tcp.packet'>> = {
  kind: 'tcp.packet', id: 0x9c17baf8, type: 'tcp.Packet',
  size: (it) => paddedSize(it.data.length),
  read(from) {
    return { kind: 'tcp.packet', data: from.data() };
  },
  write(it, to) {
    if (it.kind !== 'tcp.packet') throw wrongKind(it, 'tcp.packet');
    to.data(it.data);
  },
};

export const tcp_query: ObjectCodec<Tl<'tcp.query'>> = {
  kind: 'tcp.query', id: 0x3af51908, type: 'tcp.Packet',
  size: (it) => 8 + paddedSize(it.data.length),
  read(from) {
    return { kind: 'tcp.query', id: from.int64(), data: from.data() };
  },
  write(it, to) {
    if (it.kind !== 'tcp.query') throw wrongKind(it, 'tcp.query');
    to.int64(it.id);
    to.data(it.data);
  },
};

export const tcp_queryAnswer: ObjectCodec<Tl<'tcp.queryAnswer'>> = {
  kind: 'tcp.queryAnswer', id: 0xc048c311, type: 'tcp.Packet',
  size: (it) => 8 + paddedSize(it.data.length),
  read(from) {
    return { kind: 'tcp.queryAnswer', id: from.int64(), data: from.data() };
  },
  write(it, to) {
    if (it.kind !== 'tcp.queryAnswer') throw wrongKind(it, 'tcp.queryAnswer');
    to.int64(it.id);
    to.data(it.data);
  },
};

export const tcp_queryError: ObjectCodec<Tl<'tcp.queryError'>> = {
  kind: 'tcp.queryError', id: 0x4cd2f602, type: 'tcp.Packet',
  size: (it) => 12 + textSize(it.message),
  read(from) {
    return { kind: 'tcp.queryError', id: from.int64(), code: from.int32(), message: from.string() };
  },
  write(it, to) {
    if (it.kind !== 'tcp.queryError') throw wrongKind(it, 'tcp.queryError');
    to.int64(it.id);
    to.int32(it.code);
    to.string(it.message);
  },
};

export const tokensUsed: ObjectCodec<Tl<'tokensUsed'>> = {
  kind: 'tokensUsed', id: 0x70c5b15c, type: 'TokensUsed',
  size: () => 40,
  read(from) {
    return { kind: 'tokensUsed', prompt_tokens_used: from.int64(), cached_tokens_used: from.int64(), completion_tokens_used: from.int64(), reasoning_tokens_used: from.int64(), total_tokens_used: from.int64() };
  },
  write(it, to) {
    if (it.kind !== 'tokensUsed') throw wrongKind(it, 'tokensUsed');
    to.int64(it.prompt_tokens_used);
    to.int64(it.cached_tokens_used);
    to.int64(it.completion_tokens_used);
    to.int64(it.reasoning_tokens_used);
    to.int64(it.total_tokens_used);
  },
};

export const client_params: ObjectCodec<Tl<'client.params'>> = {
  kind: 'client.params', id: 0x40fdca64, type: 'client.Params',
  size: (it) => 4 + textSize(it.client_owner_address) + (it.is_test === undefined ? 0 : 4) + (it.min_proto_version === undefined ? 0 : 4) + (it.max_proto_version === undefined ? 0 : 4),
  read(from) {
    const it: Mutable<Tl<'client.params'>> = { kind: 'client.params', flags: from.flags(), client_owner_address: from.string() };
    if (it.flags & 1) it.is_test = from.bool();
    if (it.flags & 2) it.min_proto_version = from.int32();
    if (it.flags & 2) it.max_proto_version = from.int32();
    return it;
  },
  write(it, to) {
    if (it.kind !== 'client.params') throw wrongKind(it, 'client.params');
    to.flags(it.flags);
    to.string(it.client_owner_address);
    if (present(it.flags & 1, it.is_test, 'client.params.is_test')) to.bool(it.is_test);
    if (present(it.flags & 2, it.min_proto_version, 'client.params.min_proto_version')) to.int32(it.min_proto_version);
    if (present(it.flags & 2, it.max_proto_version, 'client.params.max_proto_version')) to.int32(it.max_proto_version);
  },
};

export const proxy_params: ObjectCodec<Tl<'proxy.params'>> = {
  kind: 'proxy.params', id: 0xd5c5609f, type: 'proxy.Params',
  size: (it) => 36 + textSize(it.proxy_owner_address) + textSize(it.proxy_sc_address) + (it.is_test === undefined ? 0 : 4) + (it.proto_version === undefined ? 0 : 4),
  read(from) {
    const it: Mutable<Tl<'proxy.params'>> = { kind: 'proxy.params', flags: from.flags(), proxy_public_key: from.raw(32), proxy_owner_address: from.string(), proxy_sc_address: from.string() };
    if (it.flags & 1) it.is_test = from.bool();
    if (it.flags & 2) it.proto_version = from.int32();
    return it;
  },
  write(it, to) {
    if (it.kind !== 'proxy.params') throw wrongKind(it, 'proxy.params');
    to.flags(it.flags);
    to.raw(it.proxy_public_key, 32);
    to.string(it.proxy_owner_address);
    to.string(it.proxy_sc_address);
    if (present(it.flags & 1, it.is_test, 'proxy.params.is_test')) to.bool(it.is_test);
    if (present(it.flags & 2, it.proto_version, 'proxy.params.proto_version')) to.int32(it.proto_version);
  },
};

export const worker_params: ObjectCodec<Tl<'worker.params'>> = {
  kind: 'worker.params', id: 0x869c73ed, type: 'worker.Params',
  size: (it) => 8 + textSize(it.worker_owner_address) + textSize(it.model) + (it.is_test === undefined ? 0 : 4) + (it.proxy_cnt === undefined ? 0 : 4) + (it.max_active_requests === undefined ? 0 : 4) + (it.min_proto_version === undefined ? 0 : 4) + (it.max_proto_version === undefined ? 0 : 4),
  read(from) {
    const it: Mutable<Tl<'worker.params'>> = { kind: 'worker.params', flags: from.flags(), worker_owner_address: from.string(), model: from.string(), coefficient: from.int32() };
    if (it.flags & 1) it.is_test = from.bool();
    if (it.flags & 1) it.proxy_cnt = from.int32();
    if (it.flags & 1) it.max_active_requests = from.int32();
    if (it.flags & 2) it.min_proto_version = from.int32();
    if (it.flags & 2) it.max_proto_version = from.int32();
    return it;
  },
  write(it, to) {
    if (it.kind !== 'worker.params') throw wrongKind(it, 'worker.params');
    to.flags(it.flags);
    to.string(it.worker_owner_address);
    to.string(it.model);
    to.int32(it.coefficient);
    if (present(it.flags & 1, it.is_test, 'worker.params.is_test')) to.bool(it.is_test);
    if (present(it.flags & 1, it.proxy_cnt, 'worker.params.proxy_cnt')) to.int32(it.proxy_cnt);
    if (present(it.flags & 1, it.max_active_requests, 'worker.params.max_active_requests')) to.int32(it.max_active_requests);
    if (present(it.flags & 2, it.min_proto_version, 'worker.params.min_proto_version')) to.int32(it.min_proto_version);
    if (present(it.flags & 2, it.max_proto_version, 'worker.params.max_proto_version')) to.int32(it.max_proto_version);
  },
};

export const proxy_signedPayment: ObjectCodec<Tl<'proxy.signedPayment'>> = {
  kind: 'proxy.signedPayment', id: 0x02998182, type: 'proxy.SignedPayment',
  size: (it) => paddedSize(it.data.length),
  read(from) {
    return { kind: 'proxy.signedPayment', data: from.data() };
  },
  write(it, to) {
    if (it.kind !== 'proxy.signedPayment') throw wrongKind(it, 'proxy.signedPayment');
    to.data(it.data);
  },
};

export const proxy_signedPaymentEmpty: ObjectCodec<Tl<'proxy.signedPaymentEmpty'>> = {
  kind: 'proxy.signedPaymentEmpty', id: 0xb347ce64, type: 'proxy.SignedPayment',
  size: () => 0,
  read() {
    return { kind: 'proxy.signedPaymentEmpty' };
  },
  write(it) {
    if (it.kind !== 'proxy.signedPaymentEmpty') throw wrongKind(it, 'proxy.signedPaymentEmpty');
  },
};

export const client_connectedToProxy: ObjectCodec<Tl<'client.connectedToProxy'>> = {
  kind: 'client.connectedToProxy', id: 0x95317ad1, type: 'client.ConnectedToProxy',
  size: (it) => proxy_params.size(it.params) + textSize(it.client_sc_address) + client_ProxyConnectionAuth.size(it.auth) + proxy_SignedPayment.size(it.signed_payment),
  read(from) {
    return { kind: 'client.connectedToProxy', params: proxy_params.read(from), client_sc_address: from.string(), auth: client_ProxyConnectionAuth.read(from), signed_payment: proxy_SignedPayment.read(from) };
  },
  write(it, to) {
    if (it.kind !== 'client.connectedToProxy') throw wrongKind(it, 'client.connectedToProxy');
    proxy_params.write(it.params, to);
    to.string(it.client_sc_address);
    client_ProxyConnectionAuth.write(it.auth, to);
    proxy_SignedPayment.write(it.signed_payment, to);
  },
};

export const client_proxyConnectionAuthShort: ObjectCodec<Tl<'client.proxyConnectionAuthShort'>> = {
  kind: 'client.proxyConnectionAuthShort', id: 0xd6ffc5af, type: 'client.ProxyConnectionAuth',
  size: () => 40,
  read(from) {
    return { kind: 'client.proxyConnectionAuthShort', secret_hash: from.raw(32), nonce: from.int64() };
  },
  write(it, to) {
    if (it.kind !== 'client.proxyConnectionAuthShort') throw wrongKind(it, 'client.proxyConnectionAuthShort');
    to.raw(it.secret_hash, 32);
    to.int64(it.nonce);
  },
};

export const client_proxyConnectionAuthLong: ObjectCodec<Tl<'client.proxyConnectionAuthLong'>> = {
  kind: 'client.proxyConnectionAuthLong', id: 0x417bf016, type: 'client.ProxyConnectionAuth',
  size: () => 8,
  read(from) {
    return { kind: 'client.proxyConnectionAuthLong', nonce: from.int64() };
  },
  write(it, to) {
    if (it.kind !== 'client.proxyConnectionAuthLong') throw wrongKind(it, 'client.proxyConnectionAuthLong');
    to.int64(it.nonce);
  },
};

export const client_authorizationWithProxySuccess: ObjectCodec<Tl<'client.authorizationWithProxySuccess'>> = {
  kind: 'client.authorizationWithProxySuccess', id: 0x75d5ac34, type: 'client.AuthorizationWithProxy',
  size: (it) => 16 + proxy_SignedPayment.size(it.signed_payment),
  read(from) {
    return { kind: 'client.authorizationWithProxySuccess', signed_payment: proxy_SignedPayment.read(from), tokens_committed_to_db: from.int64(), max_tokens: from.int64() };
  },
  write(it, to) {
    if (it.kind !== 'client.authorizationWithProxySuccess') throw wrongKind(it, 'client.authorizationWithProxySuccess');
    proxy_SignedPayment.write(it.signed_payment, to);
    to.int64(it.tokens_committed_to_db);
    to.int64(it.max_tokens);
  },
};

export const client_authorizationWithProxyFailed: ObjectCodec<Tl<'client.authorizationWithProxyFailed'>> = {
  kind: 'client.authorizationWithProxyFailed', id: 0x60551c96, type: 'client.AuthorizationWithProxy',
  size: (it) => 4 + textSize(it.error),
  read(from) {
    return { kind: 'client.authorizationWithProxyFailed', error_code: from.int32(), error: from.string() };
  },
  write(it, to) {
    if (it.kind !== 'client.authorizationWithProxyFailed') throw wrongKind(it, 'client.authorizationWithProxyFailed');
    to.int32(it.error_code);
    to.string(it.error);
  },
};

export const client_paymentStatus: ObjectCodec<Tl<'client.paymentStatus'>> = {
  kind: 'client.paymentStatus', id: 0xaa8a0ecc, type: 'client.PaymentStatus',
  size: (it) => 16 + proxy_SignedPayment.size(it.signed_payment),
  read(from) {
    return { kind: 'client.paymentStatus', signed_payment: proxy_SignedPayment.read(from), db_tokens: from.int64(), max_tokens: from.int64() };
  },
  write(it, to) {
    if (it.kind !== 'client.paymentStatus') throw wrongKind(it, 'client.paymentStatus');
    proxy_SignedPayment.write(it.signed_payment, to);
    to.int64(it.db_tokens);
    to.int64(it.max_tokens);
  },
};

export const proxy_clientRequestPayment: ObjectCodec<Tl<'proxy.clientRequestPayment'>> = {
  kind: 'proxy.clientRequestPayment', id: 0xc6bcf127, type: 'proxy.WorkerRequestPayment',
  size: (it) => 56 + proxy_SignedPayment.size(it.signed_payment),
  read(from) {
    return { kind: 'proxy.clientRequestPayment', request_id: from.raw(32), signed_payment: proxy_SignedPayment.read(from), db_tokens: from.int64(), max_tokens: from.int64(), request_tokens: from.int64() };
  },
  write(it, to) {
    if (it.kind !== 'proxy.clientRequestPayment') throw wrongKind(it, 'proxy.clientRequestPayment');
    to.raw(it.request_id, 32);
    proxy_SignedPayment.write(it.signed_payment, to);
    to.int64(it.db_tokens);
    to.int64(it.max_tokens);
    to.int64(it.request_tokens);
  },
};

export const client_queryAnswerEx: ObjectCodec<Tl<'client.queryAnswerEx'>> = {
  kind: 'client.queryAnswerEx', id: 0xcd524720, type: 'client.QueryAnswerEx',
  size: (it) => 36 + paddedSize(it.answer.length) + (it.final_info === undefined ? 0 : client_queryFinalInfo.size(it.final_info)),
  read(from) {
    const it: Mutable<Tl<'client.queryAnswerEx'>> = { kind: 'client.queryAnswerEx', request_id: from.raw(32), answer: from.data(), flags: from.flags() };
    if (it.flags & 1) it.final_info = client_queryFinalInfo.read(from);
    return it;
  },
  write(it, to) {
    if (it.kind !== 'client.queryAnswerEx') throw wrongKind(it, 'client.queryAnswerEx');
    to.raw(it.request_id, 32);
    to.data(it.answer);
    to.flags(it.flags);
    if (present(it.flags & 1, it.final_info, 'client.queryAnswerEx.final_info')) client_queryFinalInfo.write(it.final_info, to);
  },
};

export const client_queryAnswerPartEx: ObjectCodec<Tl<'client.queryAnswerPartEx'>> = {
  kind: 'client.queryAnswerPartEx', id: 0xc07bfaec, type: 'client.QueryAnswerEx',
  size: (it) => 36 + paddedSize(it.answer.length) + (it.final_info === undefined ? 0 : client_queryFinalInfo.size(it.final_info)),
  read(from) {
    const it: Mutable<Tl<'client.queryAnswerPartEx'>> = { kind: 'client.queryAnswerPartEx', request_id: from.raw(32), answer: from.data(), flags: from.flags() };
    if (it.flags & 1) it.final_info = client_queryFinalInfo.read(from);
    return it;
  },
  write(it, to) {
    if (it.kind !== 'client.queryAnswerPartEx') throw wrongKind(it, 'client.queryAnswerPartEx');
    to.raw(it.request_id, 32);
    to.data(it.answer);
    to.flags(it.flags);
    if (present(it.flags & 1, it.final_info, 'client.queryAnswerPartEx.final_info')) client_queryFinalInfo.write(it.final_info, to);
  },
};

export const client_queryAnswerErrorEx: ObjectCodec<Tl<'client.queryAnswerErrorEx'>> = {
  kind: 'client.queryAnswerErrorEx', id: 0x072562a8, type: 'client.QueryAnswerEx',
  size: (it) => 40 + textSize(it.error) + (it.final_info === undefined ? 0 : client_queryFinalInfo.size(it.final_info)),
  read(from) {
    const it: Mutable<Tl<'client.queryAnswerErrorEx'>> = { kind: 'client.queryAnswerErrorEx', request_id: from.raw(32), error_code: from.int32(), error: from.string(), flags: from.flags() };
    if (it.flags & 1) it.final_info = client_queryFinalInfo.read(from);
    return it;
  },
  write(it, to) {
    if (it.kind !== 'client.queryAnswerErrorEx') throw wrongKind(it, 'client.queryAnswerErrorEx');
    to.raw(it.request_id, 32);
    to.int32(it.error_code);
    to.string(it.error);
    to.flags(it.flags);
    if (present(it.flags & 1, it.final_info, 'client.queryAnswerErrorEx.final_info')) client_queryFinalInfo.write(it.final_info, to);
  },
};

export const client_queryFinalInfo: ObjectCodec<Tl<'client.queryFinalInfo'>> = {
  kind: 'client.queryFinalInfo', id: 0x69a452f0, type: 'client.QueryFinalInfo',
  size: (it) => 4 + tokensUsed.size(it.tokens_used) + (it.worker_debug === undefined ? 0 : textSize(it.worker_debug)) + (it.proxy_debug === undefined ? 0 : textSize(it.proxy_debug)) + (it.proxy_start_time === undefined ? 0 : 8) + (it.proxy_end_time === undefined ? 0 : 8) + (it.worker_start_time === undefined ? 0 : 8) + (it.worker_end_time === undefined ? 0 : 8),
  read(from) {
    const it: Mutable<Tl<'client.queryFinalInfo'>> = { kind: 'client.queryFinalInfo', flags: from.flags(), tokens_used: tokensUsed.read(from) };
    if (it.flags & 1) it.worker_debug = from.string();
    if (it.flags & 1) it.proxy_debug = from.string();
    if (it.flags & 2) it.proxy_start_time = from.double();
    if (it.flags & 2) it.proxy_end_time = from.double();
    if (it.flags & 2) it.worker_start_time = from.double();
    if (it.flags & 2) it.worker_end_time = from.double();
    return it;
  },
  write(it, to) {
    if (it.kind !== 'client.queryFinalInfo') throw wrongKind(it, 'client.queryFinalInfo');
    to.flags(it.flags);
    tokensUsed.write(it.tokens_used, to);
    if (present(it.flags & 1, it.worker_debug, 'client.queryFinalInfo.worker_debug')) to.string(it.worker_debug);
    if (present(it.flags & 1, it.proxy_debug, 'client.queryFinalInfo.proxy_debug')) to.string(it.proxy_debug);
    if (present(it.flags & 2, it.proxy_start_time, 'client.queryFinalInfo.proxy_start_time')) to.double(it.proxy_start_time);
    if (present(it.flags & 2, it.proxy_end_time, 'client.queryFinalInfo.proxy_end_time')) to.double(it.proxy_end_time);
    if (present(it.flags & 2, it.worker_start_time, 'client.queryFinalInfo.worker_start_time')) to.double(it.worker_start_time);
    if (present(it.flags & 2, it.worker_end_time, 'client.queryFinalInfo.worker_end_time')) to.double(it.worker_end_time);
  },
};

export const client_queryAnswer: ObjectCodec<Tl<'client.queryAnswer'>> = {
  kind: 'client.queryAnswer', id: 0x9b943922, type: 'client.QueryAnswer',
  size: (it) => 36 + paddedSize(it.answer.length) + tokensUsed.size(it.request_tokens_used),
  read(from) {
    return { kind: 'client.queryAnswer', answer: from.data(), is_completed: from.bool(), request_id: from.raw(32), request_tokens_used: tokensUsed.read(from) };
  },
  write(it, to) {
    if (it.kind !== 'client.queryAnswer') throw wrongKind(it, 'client.queryAnswer');
    to.data(it.answer);
    to.bool(it.is_completed);
    to.raw(it.request_id, 32);
    tokensUsed.write(it.request_tokens_used, to);
  },
};

export const client_queryAnswerPart: ObjectCodec<Tl<'client.queryAnswerPart'>> = {
  kind: 'client.queryAnswerPart', id: 0xb765de4c, type: 'client.QueryAnswerPart',
  size: (it) => 36 + paddedSize(it.answer.length) + tokensUsed.size(it.request_tokens_used),
  read(from) {
    return { kind: 'client.queryAnswerPart', answer: from.data(), is_completed: from.bool(), request_id: from.raw(32), request_tokens_used: tokensUsed.read(from) };
  },
  write(it, to) {
    if (it.kind !== 'client.queryAnswerPart') throw wrongKind(it, 'client.queryAnswerPart');
    to.data(it.answer);
    to.bool(it.is_completed);
    to.raw(it.request_id, 32);
    tokensUsed.write(it.request_tokens_used, to);
  },
};

export const client_queryAnswerError: ObjectCodec<Tl<'client.queryAnswerError'>> = {
  kind: 'client.queryAnswerError', id: 0x6d60569a, type: 'client.QueryAnswer',
  size: (it) => 36 + textSize(it.error) + tokensUsed.size(it.request_tokens_used),
  read(from) {
    return { kind: 'client.queryAnswerError', error_code: from.int32(), error: from.string(), request_id: from.raw(32), request_tokens_used: tokensUsed.read(from) };
  },
  write(it, to) {
    if (it.kind !== 'client.queryAnswerError') throw wrongKind(it, 'client.queryAnswerError');
    to.int32(it.error_code);
    to.string(it.error);
    to.raw(it.request_id, 32);
    tokensUsed.write(it.request_tokens_used, to);
  },
};

export const client_queryAnswerPartError: ObjectCodec<Tl<'client.queryAnswerPartError'>> = {
  kind: 'client.queryAnswerPartError', id: 0xd790a022, type: 'client.QueryAnswerPart',
  size: (it) => 36 + textSize(it.error) + tokensUsed.size(it.request_tokens_used),
  read(from) {
    return { kind: 'client.queryAnswerPartError', error_code: from.int32(), error: from.string(), request_id: from.raw(32), request_tokens_used: tokensUsed.read(from) };
  },
  write(it, to) {
    if (it.kind !== 'client.queryAnswerPartError') throw wrongKind(it, 'client.queryAnswerPartError');
    to.int32(it.error_code);
    to.string(it.error);
    to.raw(it.request_id, 32);
    tokensUsed.write(it.request_tokens_used, to);
  },
};

export const client_workerTypes: ObjectCodec<Tl<'client.workerTypes'>> = {
  kind: 'client.workerTypes', id: 0xf64e0e01, type: 'client.WorkerTypes',
  size: (it) => vectorSize(it.types, (item) => client_workerType.size(item)),
  read(from) {
    return { kind: 'client.workerTypes', types: readVector(from, 20, (from) => client_workerType.read(from)) };
  },
  write(it, to) {
    if (it.kind !== 'client.workerTypes') throw wrongKind(it, 'client.workerTypes');
    writeVector(it.types, to, (item, to) => client_workerType.write(item, to));
  },
};

export const client_workerType: ObjectCodec<Tl<'client.workerType'>> = {
  kind: 'client.workerType', id: 0x8210e21c, type: 'client.WorkerType',
  size: (it) => 16 + textSize(it.name),
  read(from) {
    return { kind: 'client.workerType', name: from.string(), active_workers: from.int32(), coefficient_min: from.int32(), coefficient_bucket50: from.int32(), coefficient_max: from.int32() };
  },
  write(it, to) {
    if (it.kind !== 'client.workerType') throw wrongKind(it, 'client.workerType');
    to.string(it.name);
    to.int32(it.active_workers);
    to.int32(it.coefficient_min);
    to.int32(it.coefficient_bucket50);
    to.int32(it.coefficient_max);
  },
};

export const client_workerTypesV2: ObjectCodec<Tl<'client.workerTypesV2'>> = {
  kind: 'client.workerTypesV2', id: 0x0cf0dc67, type: 'client.WorkerTypesV2',
  size: (it) => vectorSize(it.types, (item) => client_workerTypeV2.size(item)),
  read(from) {
    return { kind: 'client.workerTypesV2', types: readVector(from, 8, (from) => client_workerTypeV2.read(from)) };
  },
  write(it, to) {
    if (it.kind !== 'client.workerTypesV2') throw wrongKind(it, 'client.workerTypesV2');
    writeVector(it.types, to, (item, to) => client_workerTypeV2.write(item, to));
  },
};

export const client_workerTypeV2: ObjectCodec<Tl<'client.workerTypeV2'>> = {
  kind: 'client.workerTypeV2', id: 0xb27d8197, type: 'client.WorkerTypeV2',
  size: (it) => textSize(it.name) + vectorSize(it.workers, (item) => client_workerInstanceV2.size(item)),
  read(from) {
    return { kind: 'client.workerTypeV2', name: from.string(), workers: readVector(from, 16, (from) => client_workerInstanceV2.read(from)) };
  },
  write(it, to) {
    if (it.kind !== 'client.workerTypeV2') throw wrongKind(it, 'client.workerTypeV2');
    to.string(it.name);
    writeVector(it.workers, to, (item, to) => client_workerInstanceV2.write(item, to));
  },
};

export const client_workerInstanceV2: ObjectCodec<Tl<'client.workerInstanceV2'>> = {
  kind: 'client.workerInstanceV2', id: 0x3ea93d00, type: 'client.WorkerInstanceV2',
  size: () => 16,
  read(from) {
    return { kind: 'client.workerInstanceV2', flags: from.flags(), coefficient: from.int32(), active_requests: from.int32(), max_active_requests: from.int32() };
  },
  write(it, to) {
    if (it.kind !== 'client.workerInstanceV2') throw wrongKind(it, 'client.workerInstanceV2');
    to.flags(it.flags);
    to.int32(it.coefficient);
    to.int32(it.active_requests);
    to.int32(it.max_active_requests);
  },
};

export const client_refund: ObjectCodec<Tl<'client.refund'>> = {
  kind: 'client.refund', id: 0x83aabead, type: 'client.Refund',
  size: (it) => paddedSize(it.data.length),
  read(from) {
    return { kind: 'client.refund', data: from.data() };
  },
  write(it, to) {
    if (it.kind !== 'client.refund') throw wrongKind(it, 'client.refund');
    to.data(it.data);
  },
};

export const client_refundRejected: ObjectCodec<Tl<'client.refundRejected'>> = {
  kind: 'client.refundRejected', id: 0xcf9d9957, type: 'client.Refund',
  size: () => 8,
  read(from) {
    return { kind: 'client.refundRejected', active_queries: from.int64() };
  },
  write(it, to) {
    if (it.kind !== 'client.refundRejected') throw wrongKind(it, 'client.refundRejected');
    to.int64(it.active_queries);
  },
};

export const worker_connectedToProxy: ObjectCodec<Tl<'worker.connectedToProxy'>> = {
  kind: 'worker.connectedToProxy', id: 0x66bc82ee, type: 'worker.ConnectedToProxy',
  size: (it) => proxy_params.size(it.params) + textSize(it.worker_sc_address),
  read(from) {
    return { kind: 'worker.connectedToProxy', params: proxy_params.read(from), worker_sc_address: from.string() };
  },
  write(it, to) {
    if (it.kind !== 'worker.connectedToProxy') throw wrongKind(it, 'worker.connectedToProxy');
    proxy_params.write(it.params, to);
    to.string(it.worker_sc_address);
  },
};

export const worker_compareBalanceWithProxyResult: ObjectCodec<Tl<'worker.compareBalanceWithProxyResult'>> = {
  kind: 'worker.compareBalanceWithProxyResult', id: 0x9054c411, type: 'worker.CompareBalanceWithProxyResult',
  size: (it) => 20 + proxy_SignedPayment.size(it.signed_payment),
  read(from) {
    return { kind: 'worker.compareBalanceWithProxyResult', signed_payment: proxy_SignedPayment.read(from), tokens_committed_to_db: from.int64(), max_tokens: from.int64(), error_code: from.int32() };
  },
  write(it, to) {
    if (it.kind !== 'worker.compareBalanceWithProxyResult') throw wrongKind(it, 'worker.compareBalanceWithProxyResult');
    proxy_SignedPayment.write(it.signed_payment, to);
    to.int64(it.tokens_committed_to_db);
    to.int64(it.max_tokens);
    to.int32(it.error_code);
  },
};

export const worker_extendedCompareBalanceWithProxyResult: ObjectCodec<Tl<'worker.extendedCompareBalanceWithProxyResult'>> = {
  kind: 'worker.extendedCompareBalanceWithProxyResult', id: 0x0c10973e, type: 'worker.ExtendedCompareBalanceWithProxyResult',
  size: () => 4,
  read(from) {
    return { kind: 'worker.extendedCompareBalanceWithProxyResult', error_code: from.int32() };
  },
  write(it, to) {
    if (it.kind !== 'worker.extendedCompareBalanceWithProxyResult') throw wrongKind(it, 'worker.extendedCompareBalanceWithProxyResult');
    to.int32(it.error_code);
  },
};

export const worker_proxyHandshakeCompleted: ObjectCodec<Tl<'worker.proxyHandshakeCompleted'>> = {
  kind: 'worker.proxyHandshakeCompleted', id: 0x3ad9b886, type: 'worker.HandshakeCompleted',
  size: () => 0,
  read() {
    return { kind: 'worker.proxyHandshakeCompleted' };
  },
  write(it) {
    if (it.kind !== 'worker.proxyHandshakeCompleted') throw wrongKind(it, 'worker.proxyHandshakeCompleted');
  },
};

export const worker_paymentStatus: ObjectCodec<Tl<'worker.paymentStatus'>> = {
  kind: 'worker.paymentStatus', id: 0xa88bd701, type: 'worker.PaymentStatus',
  size: (it) => 16 + proxy_SignedPayment.size(it.signed_payment),
  read(from) {
    return { kind: 'worker.paymentStatus', signed_payment: proxy_SignedPayment.read(from), db_tokens: from.int64(), max_tokens: from.int64() };
  },
  write(it, to) {
    if (it.kind !== 'worker.paymentStatus') throw wrongKind(it, 'worker.paymentStatus');
    proxy_SignedPayment.write(it.signed_payment, to);
    to.int64(it.db_tokens);
    to.int64(it.max_tokens);
  },
};

export const worker_enabledDisabled: ObjectCodec<Tl<'worker.enabledDisabled'>> = {
  kind: 'worker.enabledDisabled', id: 0xb3b71039, type: 'worker.EnabledDisabled',
  size: () => 4,
  read(from) {
    return { kind: 'worker.enabledDisabled', disabled: from.int32() };
  },
  write(it, to) {
    if (it.kind !== 'worker.enabledDisabled') throw wrongKind(it, 'worker.enabledDisabled');
    to.int32(it.disabled);
  },
};

export const worker_newCoefficient: ObjectCodec<Tl<'worker.newCoefficient'>> = {
  kind: 'worker.newCoefficient', id: 0x6af092b0, type: 'worker.NewCoefficient',
  size: () => 4,
  read(from) {
    return { kind: 'worker.newCoefficient', new_coefficient: from.int32() };
  },
  write(it, to) {
    if (it.kind !== 'worker.newCoefficient') throw wrongKind(it, 'worker.newCoefficient');
    to.int32(it.new_coefficient);
  },
};

export const proxy_workerRequestPayment: ObjectCodec<Tl<'proxy.workerRequestPayment'>> = {
  kind: 'proxy.workerRequestPayment', id: 0x1436c0d5, type: 'proxy.WorkerRequestPayment',
  size: (it) => 56 + proxy_SignedPayment.size(it.signed_payment) + textSize(it.request_client_owner),
  read(from) {
    return { kind: 'proxy.workerRequestPayment', request_id: from.raw(32), signed_payment: proxy_SignedPayment.read(from), db_tokens: from.int64(), max_tokens: from.int64(), request_tokens: from.int64(), request_client_owner: from.string() };
  },
  write(it, to) {
    if (it.kind !== 'proxy.workerRequestPayment') throw wrongKind(it, 'proxy.workerRequestPayment');
    to.raw(it.request_id, 32);
    proxy_SignedPayment.write(it.signed_payment, to);
    to.int64(it.db_tokens);
    to.int64(it.max_tokens);
    to.int64(it.request_tokens);
    to.string(it.request_client_owner);
  },
};

export const proxy_queryAnswerEx: ObjectCodec<Tl<'proxy.queryAnswerEx'>> = {
  kind: 'proxy.queryAnswerEx', id: 0x1ce574e8, type: 'proxy.QueryAnswerEx',
  size: (it) => 36 + paddedSize(it.answer.length) + (it.final_info === undefined ? 0 : proxy_queryFinalInfo.size(it.final_info)),
  read(from) {
    const it: Mutable<Tl<'proxy.queryAnswerEx'>> = { kind: 'proxy.queryAnswerEx', request_id: from.raw(32), answer: from.data(), flags: from.flags() };
    if (it.flags & 1) it.final_info = proxy_queryFinalInfo.read(from);
    return it;
  },
  write(it, to) {
    if (it.kind !== 'proxy.queryAnswerEx') throw wrongKind(it, 'proxy.queryAnswerEx');
    to.raw(it.request_id, 32);
    to.data(it.answer);
    to.flags(it.flags);
    if (present(it.flags & 1, it.final_info, 'proxy.queryAnswerEx.final_info')) proxy_queryFinalInfo.write(it.final_info, to);
  },
};

export const proxy_queryAnswerPartEx: ObjectCodec<Tl<'proxy.queryAnswerPartEx'>> = {
  kind: 'proxy.queryAnswerPartEx', id: 0x6d85b50f, type: 'proxy.QueryAnswerEx',
  size: (it) => 36 + paddedSize(it.answer.length) + (it.final_info === undefined ? 0 : proxy_queryFinalInfo.size(it.final_info)),
  read(from) {
    const it: Mutable<Tl<'proxy.queryAnswerPartEx'>> = { kind: 'proxy.queryAnswerPartEx', request_id: from.raw(32), answer: from.data(), flags: from.flags() };
    if (it.flags & 1) it.final_info = proxy_queryFinalInfo.read(from);
    return it;
  },
  write(it, to) {
    if (it.kind !== 'proxy.queryAnswerPartEx') throw wrongKind(it, 'proxy.queryAnswerPartEx');
    to.raw(it.request_id, 32);
    to.data(it.answer);
    to.flags(it.flags);
    if (present(it.flags & 1, it.final_info, 'proxy.queryAnswerPartEx.final_info')) proxy_queryFinalInfo.write(it.final_info, to);
  },
};

export const proxy_queryAnswerErrorEx: ObjectCodec<Tl<'proxy.queryAnswerErrorEx'>> = {
  kind: 'proxy.queryAnswerErrorEx', id: 0x8f7fb0a7, type: 'proxy.QueryAnswerEx',
  size: (it) => 40 + textSize(it.error) + (it.final_info === undefined ? 0 : proxy_queryFinalInfo.size(it.final_info)),
  read(from) {
    const it: Mutable<Tl<'proxy.queryAnswerErrorEx'>> = { kind: 'proxy.queryAnswerErrorEx', request_id: from.raw(32), error_code: from.int32(), error: from.string(), flags: from.flags() };
    if (it.flags & 1) it.final_info = proxy_queryFinalInfo.read(from);
    return it;
  },
  write(it, to) {
    if (it.kind !== 'proxy.queryAnswerErrorEx') throw wrongKind(it, 'proxy.queryAnswerErrorEx');
    to.raw(it.request_id, 32);
    to.int32(it.error_code);
    to.string(it.error);
    to.flags(it.flags);
    if (present(it.flags & 1, it.final_info, 'proxy.queryAnswerErrorEx.final_info')) proxy_queryFinalInfo.write(it.final_info, to);
  },
};

export const proxy_queryFinalInfo: ObjectCodec<Tl<'proxy.queryFinalInfo'>> = {
  kind: 'proxy.queryFinalInfo', id: 0xe794e6fc, type: 'proxy.QueryFinalInfo',
  size: (it) => 4 + tokensUsed.size(it.tokens_used) + (it.worker_debug === undefined ? 0 : textSize(it.worker_debug)) + (it.worker_start_time === undefined ? 0 : 8) + (it.worker_end_time === undefined ? 0 : 8),
  read(from) {
    const it: Mutable<Tl<'proxy.queryFinalInfo'>> = { kind: 'proxy.queryFinalInfo', flags: from.flags(), tokens_used: tokensUsed.read(from) };
    if (it.flags & 1) it.worker_debug = from.string();
    if (it.flags & 2) it.worker_start_time = from.double();
    if (it.flags & 2) it.worker_end_time = from.double();
    return it;
  },
  write(it, to) {
    if (it.kind !== 'proxy.queryFinalInfo') throw wrongKind(it, 'proxy.queryFinalInfo');
    to.flags(it.flags);
    tokensUsed.write(it.tokens_used, to);
    if (present(it.flags & 1, it.worker_debug, 'proxy.queryFinalInfo.worker_debug')) to.string(it.worker_debug);
    if (present(it.flags & 2, it.worker_start_time, 'proxy.queryFinalInfo.worker_start_time')) to.double(it.worker_start_time);
    if (present(it.flags & 2, it.worker_end_time, 'proxy.queryFinalInfo.worker_end_time')) to.double(it.worker_end_time);
  },
};

export const proxy_queryAnswer: ObjectCodec<Tl<'proxy.queryAnswer'>> = {
  kind: 'proxy.queryAnswer', id: 0x37e5f725, type: 'proxy.QueryAnswer',
  size: (it) => 36 + paddedSize(it.answer.length) + tokensUsed.size(it.tokens_used),
  read(from) {
    return { kind: 'proxy.queryAnswer', answer: from.data(), is_completed: from.bool(), request_id: from.raw(32), tokens_used: tokensUsed.read(from) };
  },
  write(it, to) {
    if (it.kind !== 'proxy.queryAnswer') throw wrongKind(it, 'proxy.queryAnswer');
    to.data(it.answer);
    to.bool(it.is_completed);
    to.raw(it.request_id, 32);
    tokensUsed.write(it.tokens_used, to);
  },
};

export const proxy_queryAnswerPart: ObjectCodec<Tl<'proxy.queryAnswerPart'>> = {
  kind: 'proxy.queryAnswerPart', id: 0x72eb00ee, type: 'proxy.QueryAnswerPart',
  size: (it) => 36 + paddedSize(it.answer.length) + tokensUsed.size(it.tokens_used),
  read(from) {
    return { kind: 'proxy.queryAnswerPart', answer: from.data(), is_completed: from.bool(), request_id: from.raw(32), tokens_used: tokensUsed.read(from) };
  },
  write(it, to) {
    if (it.kind !== 'proxy.queryAnswerPart') throw wrongKind(it, 'proxy.queryAnswerPart');
    to.data(it.answer);
    to.bool(it.is_completed);
    to.raw(it.request_id, 32);
    tokensUsed.write(it.tokens_used, to);
  },
};

export const proxy_queryAnswerError: ObjectCodec<Tl<'proxy.queryAnswerError'>> = {
  kind: 'proxy.queryAnswerError', id: 0x669d014e, type: 'proxy.QueryAnswer',
  size: (it) => 36 + textSize(it.error) + tokensUsed.size(it.tokens_used),
  read(from) {
    return { kind: 'proxy.queryAnswerError', error_code: from.int32(), error: from.string(), request_id: from.raw(32), tokens_used: tokensUsed.read(from) };
  },
  write(it, to) {
    if (it.kind !== 'proxy.queryAnswerError') throw wrongKind(it, 'proxy.queryAnswerError');
    to.int32(it.error_code);
    to.string(it.error);
    to.raw(it.request_id, 32);
    tokensUsed.write(it.tokens_used, to);
  },
};

export const proxy_queryAnswerPartError: ObjectCodec<Tl<'proxy.queryAnswerPartError'>> = {
  kind: 'proxy.queryAnswerPartError', id: 0x940e1168, type: 'proxy.QueryAnswerPart',
  size: (it) => 36 + textSize(it.error) + tokensUsed.size(it.tokens_used),
  read(from) {
    return { kind: 'proxy.queryAnswerPartError', error_code: from.int32(), error: from.string(), request_id: from.raw(32), tokens_used: tokensUsed.read(from) };
  },
  write(it, to) {
    if (it.kind !== 'proxy.queryAnswerPartError') throw wrongKind(it, 'proxy.queryAnswerPartError');
    to.int32(it.error_code);
    to.string(it.error);
    to.raw(it.request_id, 32);
    tokensUsed.write(it.tokens_used, to);
  },
};

export const http_response: ObjectCodec<Tl<'http.response'>> = {
  kind: 'http.response', id: 0x1cd0c42b, type: 'http.Response',
  size: (it) => 4 + textSize(it.http_version) + textSize(it.reason) + vectorSize(it.headers, (item) => http_header.size(item)) + paddedSize(it.payload.length),
  read(from) {
    return { kind: 'http.response', http_version: from.string(), status_code: from.int32(), reason: from.string(), headers: readVector(from, 8, (from) => http_header.read(from)), payload: from.data() };
  },
  write(it, to) {
    if (it.kind !== 'http.response') throw wrongKind(it, 'http.response');
    to.string(it.http_version);
    to.int32(it.status_code);
    to.string(it.reason);
    writeVector(it.headers, to, (item, to) => http_header.write(item, to));
    to.data(it.payload);
  },
};

export const http_header: ObjectCodec<Tl<'http.header'>> = {
  kind: 'http.header', id: 0x8e9be511, type: 'http.Header',
  size: (it) => textSize(it.name) + textSize(it.value),
  read(from) {
    return { kind: 'http.header', name: from.string(), value: from.string() };
  },
  write(it, to) {
    if (it.kind !== 'http.header') throw wrongKind(it, 'http.header');
    to.string(it.name);
    to.string(it.value);
  },
};

export const test_answer: ObjectCodec<Tl<'test.answer'>> = {
  kind: 'test.answer', id: 0x0d4fcdb6, type: 'test.Answer',
  size: () => 8,
  read(from) {
    return { kind: 'test.answer', id: from.int64() };
  },
  write(it, to) {
    if (it.kind !== 'test.answer') throw wrongKind(it, 'test.answer');
    to.int64(it.id);
  },
};

export const keyManager_privateKeys: ObjectCodec<Tl<'keyManager.privateKeys'>> = {
  kind: 'keyManager.privateKeys', id: 0x0ed66ce5, type: 'keyManager.PrivateKeys',
  size: (it) => vectorSize(it.keys, (item) => keyManager_privateKey.size(item)),
  read(from) {
    return { kind: 'keyManager.privateKeys', keys: readVector(from, 36, (from) => keyManager_privateKey.read(from)) };
  },
  write(it, to) {
    if (it.kind !== 'keyManager.privateKeys') throw wrongKind(it, 'keyManager.privateKeys');
    writeVector(it.keys, to, (item, to) => keyManager_privateKey.write(item, to));
  },
};

export const keyManager_privateKey: ObjectCodec<Tl<'keyManager.privateKey'>> = {
  kind: 'keyManager.privateKey', id: 0x60f4f8e7, type: 'keyManager.PrivateKey',
  size: () => 36,
  read(from) {
    return { kind: 'keyManager.privateKey', valid_until_utime: from.int32(), private_key: from.raw(32) };
  },
  write(it, to) {
    if (it.kind !== 'keyManager.privateKey') throw wrongKind(it, 'keyManager.privateKey');
    to.int32(it.valid_until_utime);
    to.raw(it.private_key, 32);
  },
};

export const proxyDb_configEmpty: ObjectCodec<Tl<'proxyDb.configEmpty'>> = {
  kind: 'proxyDb.configEmpty', id: 0x43dc40b4, type: 'proxyDb.Config',
  size: () => 0,
  read() {
    return { kind: 'proxyDb.configEmpty' };
  },
  write(it) {
    if (it.kind !== 'proxyDb.configEmpty') throw wrongKind(it, 'proxyDb.configEmpty');
  },
};

export const proxyDb_configV4: ObjectCodec<Tl<'proxyDb.configV4'>> = {
  kind: 'proxyDb.configV4', id: 0xbde43703, type: 'proxyDb.Config',
  size: (it) => 12 + textSize(it.root_contract_address) + rootConfig_Config.size(it.root_contract_state) + ton_blockIdExt.size(it.sc_block_id) + vectorSize(it.pending_blockchain_seqno_commits, (item) => proxyDb_pendingBlockchainSeqnoCommit.size(item)),
  read(from) {
    return { kind: 'proxyDb.configV4', root_contract_address: from.string(), is_testnet: from.int32(), root_contract_state: rootConfig_Config.read(from), root_contract_state_block_ts: from.int32(), sc_block_id: ton_blockIdExt.read(from), last_seqno_committed_to_blockchain: from.int32(), pending_blockchain_seqno_commits: readVector(from, 36, (from) => proxyDb_pendingBlockchainSeqnoCommit.read(from)) };
  },
  write(it, to) {
    if (it.kind !== 'proxyDb.configV4') throw wrongKind(it, 'proxyDb.configV4');
    to.string(it.root_contract_address);
    to.int32(it.is_testnet);
    rootConfig_Config.write(it.root_contract_state, to);
    to.int32(it.root_contract_state_block_ts);
    ton_blockIdExt.write(it.sc_block_id, to);
    to.int32(it.last_seqno_committed_to_blockchain);
    writeVector(it.pending_blockchain_seqno_commits, to, (item, to) => proxyDb_pendingBlockchainSeqnoCommit.write(item, to));
  },
};

export const proxyDb_configV4Disabled: ObjectCodec<Tl<'proxyDb.configV4Disabled'>> = {
  kind: 'proxyDb.configV4Disabled', id: 0xad2cfb4a, type: 'proxyDb.Config',
  size: (it) => 16 + textSize(it.root_contract_address) + rootConfig_Config.size(it.root_contract_state),
  read(from) {
    return { kind: 'proxyDb.configV4Disabled', root_contract_address: from.string(), is_testnet: from.int32(), root_contract_state: rootConfig_Config.read(from), root_contract_state_block_ts: from.int32(), disabled_until_version: from.int64() };
  },
  write(it, to) {
    if (it.kind !== 'proxyDb.configV4Disabled') throw wrongKind(it, 'proxyDb.configV4Disabled');
    to.string(it.root_contract_address);
    to.int32(it.is_testnet);
    rootConfig_Config.write(it.root_contract_state, to);
    to.int32(it.root_contract_state_block_ts);
    to.int64(it.disabled_until_version);
  },
};

export const proxyDb_pendingBlockchainSeqnoCommit: ObjectCodec<Tl<'proxyDb.pendingBlockchainSeqnoCommit'>> = {
  kind: 'proxyDb.pendingBlockchainSeqnoCommit', id: 0x525b14a9, type: 'proxyDb.PendingBlockchainSeqnoCommit',
  size: () => 36,
  read(from) {
    return { kind: 'proxyDb.pendingBlockchainSeqnoCommit', seqno: from.int32(), session_hash: from.raw(32) };
  },
  write(it, to) {
    if (it.kind !== 'proxyDb.pendingBlockchainSeqnoCommit') throw wrongKind(it, 'proxyDb.pendingBlockchainSeqnoCommit');
    to.int32(it.seqno);
    to.raw(it.session_hash, 32);
  },
};

export const proxyDb_clientInfo: ObjectCodec<Tl<'proxyDb.clientInfo'>> = {
  kind: 'proxyDb.clientInfo', id: 0x6cfeaa21, type: 'proxyDb.ClientInfo',
  size: (it) => 64 + textSize(it.owner_address) + textSize(it.sc_address),
  read(from) {
    return { kind: 'proxyDb.clientInfo', owner_address: from.string(), sc_address: from.string(), status: from.int32(), balance: from.int64(), sc_tokens_used: from.int64(), tokens_used: from.int64(), secret_hash: from.raw(32), last_request_at: from.int32() };
  },
  write(it, to) {
    if (it.kind !== 'proxyDb.clientInfo') throw wrongKind(it, 'proxyDb.clientInfo');
    to.string(it.owner_address);
    to.string(it.sc_address);
    to.int32(it.status);
    to.int64(it.balance);
    to.int64(it.sc_tokens_used);
    to.int64(it.tokens_used);
    to.raw(it.secret_hash, 32);
    to.int32(it.last_request_at);
  },
};

export const proxyDb_clientInfoV2: ObjectCodec<Tl<'proxyDb.clientInfoV2'>> = {
  kind: 'proxyDb.clientInfoV2', id: 0x3078c9bf, type: 'proxyDb.ClientInfo',
  size: (it) => 72 + textSize(it.owner_address) + textSize(it.sc_address),
  read(from) {
    return { kind: 'proxyDb.clientInfoV2', owner_address: from.string(), sc_address: from.string(), status: from.int32(), balance: from.int64(), stake: from.int64(), sc_tokens_used: from.int64(), tokens_used: from.int64(), secret_hash: from.raw(32), last_request_at: from.int32() };
  },
  write(it, to) {
    if (it.kind !== 'proxyDb.clientInfoV2') throw wrongKind(it, 'proxyDb.clientInfoV2');
    to.string(it.owner_address);
    to.string(it.sc_address);
    to.int32(it.status);
    to.int64(it.balance);
    to.int64(it.stake);
    to.int64(it.sc_tokens_used);
    to.int64(it.tokens_used);
    to.raw(it.secret_hash, 32);
    to.int32(it.last_request_at);
  },
};

export const proxyDb_workerInfo: ObjectCodec<Tl<'proxyDb.workerInfo'>> = {
  kind: 'proxyDb.workerInfo', id: 0x2517b38f, type: 'proxyDb.WorkerInfo',
  size: (it) => 20 + textSize(it.owner_address) + textSize(it.sc_address),
  read(from) {
    return { kind: 'proxyDb.workerInfo', owner_address: from.string(), sc_address: from.string(), sc_tokens: from.int64(), tokens: from.int64(), last_request_at: from.int32() };
  },
  write(it, to) {
    if (it.kind !== 'proxyDb.workerInfo') throw wrongKind(it, 'proxyDb.workerInfo');
    to.string(it.owner_address);
    to.string(it.sc_address);
    to.int64(it.sc_tokens);
    to.int64(it.tokens);
    to.int32(it.last_request_at);
  },
};

export const proxyDb_oldInstance: ObjectCodec<Tl<'proxyDb.oldInstance'>> = {
  kind: 'proxyDb.oldInstance', id: 0xa8c9e178, type: 'proxyDb.OldInstance',
  size: (it) => 8 + textSize(it.contract_address) + textSize(it.next_client) + textSize(it.next_worker) + rootConfig_Config.size(it.root_contract_state),
  read(from) {
    return { kind: 'proxyDb.oldInstance', contract_address: from.string(), closing_state: from.int32(), close_at: from.int32(), next_client: from.string(), next_worker: from.string(), root_contract_state: rootConfig_Config.read(from) };
  },
  write(it, to) {
    if (it.kind !== 'proxyDb.oldInstance') throw wrongKind(it, 'proxyDb.oldInstance');
    to.string(it.contract_address);
    to.int32(it.closing_state);
    to.int32(it.close_at);
    to.string(it.next_client);
    to.string(it.next_worker);
    rootConfig_Config.write(it.root_contract_state, to);
  },
};

export const proxyDb_oldClient: ObjectCodec<Tl<'proxyDb.oldClient'>> = {
  kind: 'proxyDb.oldClient', id: 0x2fae7b42, type: 'proxyDb.OldClient',
  size: (it) => 8 + textSize(it.owner_address) + textSize(it.next_client),
  read(from) {
    return { kind: 'proxyDb.oldClient', owner_address: from.string(), tokens: from.int64(), next_client: from.string() };
  },
  write(it, to) {
    if (it.kind !== 'proxyDb.oldClient') throw wrongKind(it, 'proxyDb.oldClient');
    to.string(it.owner_address);
    to.int64(it.tokens);
    to.string(it.next_client);
  },
};

export const proxyDb_oldWorker: ObjectCodec<Tl<'proxyDb.oldWorker'>> = {
  kind: 'proxyDb.oldWorker', id: 0xf04156a0, type: 'proxyDb.OldWorker',
  size: (it) => 8 + textSize(it.owner_address) + textSize(it.next_worker),
  read(from) {
    return { kind: 'proxyDb.oldWorker', owner_address: from.string(), tokens: from.int64(), next_worker: from.string() };
  },
  write(it, to) {
    if (it.kind !== 'proxyDb.oldWorker') throw wrongKind(it, 'proxyDb.oldWorker');
    to.string(it.owner_address);
    to.int64(it.tokens);
    to.string(it.next_worker);
  },
};

export const rootConfig_configV5: ObjectCodec<Tl<'rootConfig.configV5'>> = {
  kind: 'rootConfig.configV5', id: 0x5e84869b, type: 'rootConfig.Config',
  size: (it) => 80 + textSize(it.root_owner_address) + 4 + it.proxy_hashes.length * 32 + vectorSize(it.registered_proxies, (item) => rootConfig_registeredProxy.size(item)) + 4 + it.worker_hashes.length * 32 + 4 + it.model_hashes.length * 32 + textSize(it.proxy_sc_code) + textSize(it.worker_sc_code) + textSize(it.client_sc_code),
  read(from) {
    return { kind: 'rootConfig.configV5', root_owner_address: from.string(), proxy_hashes: readVector(from, 32, (from) => from.raw(32)), registered_proxies: readVector(from, 8, (from) => rootConfig_registeredProxy.read(from)), last_proxy_seqno: from.int32(), worker_hashes: readVector(from, 32, (from) => from.raw(32)), model_hashes: readVector(from, 32, (from) => from.raw(32)), version: from.int32(), struct_version: from.int32(), params_version: from.int32(), unique_id: from.int32(), is_test: from.int32(), price_per_token: from.int64(), worker_fee_per_token: from.int64(), prompt_tokens_price_multiplier: from.int32(), cached_tokens_price_multiplier: from.int32(), completion_tokens_price_multiplier: from.int32(), reasoning_tokens_price_multiplier: from.int32(), proxy_delay_before_close: from.int32(), client_delay_before_close: from.int32(), min_proxy_stake: from.int64(), min_client_stake: from.int64(), proxy_sc_code: from.string(), worker_sc_code: from.string(), client_sc_code: from.string() };
  },
  write(it, to) {
    if (it.kind !== 'rootConfig.configV5') throw wrongKind(it, 'rootConfig.configV5');
    to.string(it.root_owner_address);
    writeVector(it.proxy_hashes, to, (item, to) => to.raw(item, 32));
    writeVector(it.registered_proxies, to, (item, to) => rootConfig_registeredProxy.write(item, to));
    to.int32(it.last_proxy_seqno);
    writeVector(it.worker_hashes, to, (item, to) => to.raw(item, 32));
    writeVector(it.model_hashes, to, (item, to) => to.raw(item, 32));
    to.int32(it.version);
    to.int32(it.struct_version);
    to.int32(it.params_version);
    to.int32(it.unique_id);
    to.int32(it.is_test);
    to.int64(it.price_per_token);
    to.int64(it.worker_fee_per_token);
    to.int32(it.prompt_tokens_price_multiplier);
    to.int32(it.cached_tokens_price_multiplier);
    to.int32(it.completion_tokens_price_multiplier);
    to.int32(it.reasoning_tokens_price_multiplier);
    to.int32(it.proxy_delay_before_close);
    to.int32(it.client_delay_before_close);
    to.int64(it.min_proxy_stake);
    to.int64(it.min_client_stake);
    to.string(it.proxy_sc_code);
    to.string(it.worker_sc_code);
    to.string(it.client_sc_code);
  },
};

export const rootConfig_registeredProxy: ObjectCodec<Tl<'rootConfig.registeredProxy'>> = {
  kind: 'rootConfig.registeredProxy', id: 0x9f4e446a, type: 'rootConfig.RegisteredProxy',
  size: (it) => 4 + textSize(it.address),
  read(from) {
    return { kind: 'rootConfig.registeredProxy', seqno: from.int32(), address: from.string() };
  },
  write(it, to) {
    if (it.kind !== 'rootConfig.registeredProxy') throw wrongKind(it, 'rootConfig.registeredProxy');
    to.int32(it.seqno);
    to.string(it.address);
  },
};

export const rootConfig_pseudo: ObjectCodec<Tl<'rootConfig.pseudo'>> = {
  kind: 'rootConfig.pseudo', id: 0x87a976cc, type: 'rootConfig.Config',
  size: (it) => 20 + 4 + it.proxy_hashes.length * 32 + 4 + it.worker_hashes.length * 32 + 4 + it.model_hashes.length * 32 + vectorSize(it.model_types, (item) => textSize(item)) + vectorSize(it.registered_proxies, (item) => rootConfig_registeredProxy.size(item)) + textSize(it.proxy_sc_code) + textSize(it.worker_sc_code) + textSize(it.client_sc_code) + textSize(it.root_owner_address),
  read(from) {
    return { kind: 'rootConfig.pseudo', proxy_hashes: readVector(from, 32, (from) => from.raw(32)), worker_hashes: readVector(from, 32, (from) => from.raw(32)), model_hashes: readVector(from, 32, (from) => from.raw(32)), model_types: readVector(from, 4, (from) => from.string()), registered_proxies: readVector(from, 8, (from) => rootConfig_registeredProxy.read(from)), price_per_token: from.int32(), worker_fee_per_token: from.int32(), last_proxy_seqno: from.int32(), version: from.int32(), params_version: from.int32(), proxy_sc_code: from.string(), worker_sc_code: from.string(), client_sc_code: from.string(), root_owner_address: from.string() };
  },
  write(it, to) {
    if (it.kind !== 'rootConfig.pseudo') throw wrongKind(it, 'rootConfig.pseudo');
    writeVector(it.proxy_hashes, to, (item, to) => to.raw(item, 32));
    writeVector(it.worker_hashes, to, (item, to) => to.raw(item, 32));
    writeVector(it.model_hashes, to, (item, to) => to.raw(item, 32));
    writeVector(it.model_types, to, (item, to) => to.string(item));
    writeVector(it.registered_proxies, to, (item, to) => rootConfig_registeredProxy.write(item, to));
    to.int32(it.price_per_token);
    to.int32(it.worker_fee_per_token);
    to.int32(it.last_proxy_seqno);
    to.int32(it.version);
    to.int32(it.params_version);
    to.string(it.proxy_sc_code);
    to.string(it.worker_sc_code);
    to.string(it.client_sc_code);
    to.string(it.root_owner_address);
  },
};

export const ton_blockIdExt: ObjectCodec<Tl<'ton.blockIdExt'>> = {
  kind: 'ton.blockIdExt', id: 0xbc3f6da5, type: 'ton.BlockIdExt',
  size: (it) => 16 + paddedSize(it.root_hash.length) + paddedSize(it.file_hash.length),
  read(from) {
    return { kind: 'ton.blockIdExt', workchain: from.int32(), shard: from.int64(), seqno: from.int32(), root_hash: from.data(), file_hash: from.data() };
  },
  write(it, to) {
    if (it.kind !== 'ton.blockIdExt') throw wrongKind(it, 'ton.blockIdExt');
    to.int32(it.workchain);
    to.int64(it.shard);
    to.int32(it.seqno);
    to.data(it.root_hash);
    to.data(it.file_hash);
  },
};

export const keyManagerDb_configEmpty: ObjectCodec<Tl<'keyManagerDb.configEmpty'>> = {
  kind: 'keyManagerDb.configEmpty', id: 0xd3fc2385, type: 'keyManagerDb.Config',
  size: () => 0,
  read() {
    return { kind: 'keyManagerDb.configEmpty' };
  },
  write(it) {
    if (it.kind !== 'keyManagerDb.configEmpty') throw wrongKind(it, 'keyManagerDb.configEmpty');
  },
};

export const keyManagerDb_configV1: ObjectCodec<Tl<'keyManagerDb.configV1'>> = {
  kind: 'keyManagerDb.configV1', id: 0x6d2817ac, type: 'keyManagerDb.Config',
  size: () => 4,
  read(from) {
    return { kind: 'keyManagerDb.configV1', root_contract_version: from.int32() };
  },
  write(it, to) {
    if (it.kind !== 'keyManagerDb.configV1') throw wrongKind(it, 'keyManagerDb.configV1');
    to.int32(it.root_contract_version);
  },
};

export const keyManagerDb_key: ObjectCodec<Tl<'keyManagerDb.key'>> = {
  kind: 'keyManagerDb.key', id: 0x4d0a1e17, type: 'keyManagerDb.Key',
  size: () => 52,
  read(from) {
    return { kind: 'keyManagerDb.key', private_key: from.raw(32), for_proxies: from.bool(), for_workers: from.bool(), valid_since_config_version: from.int32(), valid_since_utime: from.int32(), valid_until_utime: from.int32() };
  },
  write(it, to) {
    if (it.kind !== 'keyManagerDb.key') throw wrongKind(it, 'keyManagerDb.key');
    to.raw(it.private_key, 32);
    to.bool(it.for_proxies);
    to.bool(it.for_workers);
    to.int32(it.valid_since_config_version);
    to.int32(it.valid_since_utime);
    to.int32(it.valid_until_utime);
  },
};

export const clientRunner_config: ObjectCodec<Tl<'clientRunner.config'>> = {
  kind: 'clientRunner.config', id: 0xaf0bd51f, type: 'clientRunner.Config',
  size: (it) => 52 + textSize(it.owner_address) + textSize(it.connect_to_proxy_via) + textSize(it.root_contract_address) + textSize(it.secret_string) + textSize(it.ton_config_filename) + textSize(it.http_access_hash),
  read(from) {
    return { kind: 'clientRunner.config', is_test: from.bool(), is_testnet: from.bool(), http_port: from.int32(), owner_address: from.string(), proxy_connections: from.int32(), connect_to_proxy_via: from.string(), root_contract_address: from.string(), node_wallet_key: from.raw(32), check_proxy_hashes: from.bool(), secret_string: from.string(), ton_config_filename: from.string(), http_access_hash: from.string() };
  },
  write(it, to) {
    if (it.kind !== 'clientRunner.config') throw wrongKind(it, 'clientRunner.config');
    to.bool(it.is_test);
    to.bool(it.is_testnet);
    to.int32(it.http_port);
    to.string(it.owner_address);
    to.int32(it.proxy_connections);
    to.string(it.connect_to_proxy_via);
    to.string(it.root_contract_address);
    to.raw(it.node_wallet_key, 32);
    to.bool(it.check_proxy_hashes);
    to.string(it.secret_string);
    to.string(it.ton_config_filename);
    to.string(it.http_access_hash);
  },
};

export const proxyRunner_config: ObjectCodec<Tl<'proxyRunner.config'>> = {
  kind: 'proxyRunner.config', id: 0x5bf5e272, type: 'proxyRunner.Config',
  size: (it) => 120 + textSize(it.owner_address) + textSize(it.root_contract_address) + textSize(it.ton_config_filename) + textSize(it.db_path) + textSize(it.http_access_hash),
  read(from) {
    return { kind: 'proxyRunner.config', is_test: from.bool(), is_testnet: from.bool(), workers_rpc_port: from.int32(), client_rpc_port: from.int32(), http_port: from.int32(), owner_address: from.string(), root_contract_address: from.string(), machine_specific_private_key: from.raw(32), node_wallet_key: from.raw(32), ton_config_filename: from.string(), db_path: from.string(), check_worker_hashes: from.bool(), image_hash: from.raw(32), http_access_hash: from.string() };
  },
  write(it, to) {
    if (it.kind !== 'proxyRunner.config') throw wrongKind(it, 'proxyRunner.config');
    to.bool(it.is_test);
    to.bool(it.is_testnet);
    to.int32(it.workers_rpc_port);
    to.int32(it.client_rpc_port);
    to.int32(it.http_port);
    to.string(it.owner_address);
    to.string(it.root_contract_address);
    to.raw(it.machine_specific_private_key, 32);
    to.raw(it.node_wallet_key, 32);
    to.string(it.ton_config_filename);
    to.string(it.db_path);
    to.bool(it.check_worker_hashes);
    to.raw(it.image_hash, 32);
    to.string(it.http_access_hash);
  },
};

export const workerRunner_config: ObjectCodec<Tl<'workerRunner.config'>> = {
  kind: 'workerRunner.config', id: 0x870db56d, type: 'workerRunner.Config',
  size: (it) => 92 + textSize(it.owner_address) + textSize(it.connect_to_proxy_via) + textSize(it.model_name) + textSize(it.root_contract_address) + textSize(it.forward_requests_to) + textSize(it.ton_config_filename) + textSize(it.http_access_hash),
  read(from) {
    return { kind: 'workerRunner.config', is_test: from.bool(), is_testnet: from.bool(), http_port: from.int32(), owner_address: from.string(), proxy_connections: from.int32(), connect_to_proxy_via: from.string(), model_name: from.string(), coefficient: from.int32(), root_contract_address: from.string(), node_wallet_key: from.raw(32), forward_requests_to: from.string(), ton_config_filename: from.string(), check_proxy_hashes: from.bool(), max_active_requests: from.int32(), image_hash: from.raw(32), http_access_hash: from.string() };
  },
  write(it, to) {
    if (it.kind !== 'workerRunner.config') throw wrongKind(it, 'workerRunner.config');
    to.bool(it.is_test);
    to.bool(it.is_testnet);
    to.int32(it.http_port);
    to.string(it.owner_address);
    to.int32(it.proxy_connections);
    to.string(it.connect_to_proxy_via);
    to.string(it.model_name);
    to.int32(it.coefficient);
    to.string(it.root_contract_address);
    to.raw(it.node_wallet_key, 32);
    to.string(it.forward_requests_to);
    to.string(it.ton_config_filename);
    to.bool(it.check_proxy_hashes);
    to.int32(it.max_active_requests);
    to.raw(it.image_hash, 32);
    to.string(it.http_access_hash);
  },
};

export const keyStorageRunner_config: ObjectCodec<Tl<'keyStorageRunner.config'>> = {
  kind: 'keyStorageRunner.config', id: 0xd7874e40, type: 'keyStorageRunner.Config',
  size: (it) => 84 + textSize(it.root_contract_address) + textSize(it.ton_config_filename) + textSize(it.db_path) + textSize(it.http_access_hash),
  read(from) {
    return { kind: 'keyStorageRunner.config', is_test: from.bool(), is_testnet: from.bool(), rpc_port: from.int32(), http_port: from.int32(), root_contract_address: from.string(), machine_specific_private_key: from.raw(32), ton_config_filename: from.string(), db_path: from.string(), check_hashes: from.bool(), image_hash: from.raw(32), http_access_hash: from.string() };
  },
  write(it, to) {
    if (it.kind !== 'keyStorageRunner.config') throw wrongKind(it, 'keyStorageRunner.config');
    to.bool(it.is_test);
    to.bool(it.is_testnet);
    to.int32(it.rpc_port);
    to.int32(it.http_port);
    to.string(it.root_contract_address);
    to.raw(it.machine_specific_private_key, 32);
    to.string(it.ton_config_filename);
    to.string(it.db_path);
    to.bool(it.check_hashes);
    to.raw(it.image_hash, 32);
    to.string(it.http_access_hash);
  },
};

export const bombyx_finalInfo: ObjectCodec<Tl<'bombyx.finalInfo'>> = {
  kind: 'bombyx.finalInfo', id: 0x5393fb79, type: 'bombyx.FinalInfo',
  size: (it) => 4 + tokensUsed.size(it.tokens_used) + (it.worker_debug === undefined ? 0 : textSize(it.worker_debug)) + (it.proxy_debug === undefined ? 0 : textSize(it.proxy_debug)) + (it.proxy_start_time === undefined ? 0 : 8) + (it.proxy_end_time === undefined ? 0 : 8) + (it.worker_start_time === undefined ? 0 : 8) + (it.worker_end_time === undefined ? 0 : 8) + (it.receipt === undefined ? 0 : paddedSize(it.receipt.length)) + (it.evidence === undefined ? 0 : paddedSize(it.evidence.length)),
  read(from) {
    const it: Mutable<Tl<'bombyx.finalInfo'>> = { kind: 'bombyx.finalInfo', flags: from.flags(), tokens_used: tokensUsed.read(from) };
    if (it.flags & 1) it.worker_debug = from.string();
    if (it.flags & 1) it.proxy_debug = from.string();
    if (it.flags & 2) it.proxy_start_time = from.double();
    if (it.flags & 2) it.proxy_end_time = from.double();
    if (it.flags & 2) it.worker_start_time = from.double();
    if (it.flags & 2) it.worker_end_time = from.double();
    if (it.flags & 4) it.receipt = from.data();
    if (it.flags & 8) it.evidence = from.data();
    return it;
  },
  write(it, to) {
    if (it.kind !== 'bombyx.finalInfo') throw wrongKind(it, 'bombyx.finalInfo');
    to.flags(it.flags);
    tokensUsed.write(it.tokens_used, to);
    if (present(it.flags & 1, it.worker_debug, 'bombyx.finalInfo.worker_debug')) to.string(it.worker_debug);
    if (present(it.flags & 1, it.proxy_debug, 'bombyx.finalInfo.proxy_debug')) to.string(it.proxy_debug);
    if (present(it.flags & 2, it.proxy_start_time, 'bombyx.finalInfo.proxy_start_time')) to.double(it.proxy_start_time);
    if (present(it.flags & 2, it.proxy_end_time, 'bombyx.finalInfo.proxy_end_time')) to.double(it.proxy_end_time);
    if (present(it.flags & 2, it.worker_start_time, 'bombyx.finalInfo.worker_start_time')) to.double(it.worker_start_time);
    if (present(it.flags & 2, it.worker_end_time, 'bombyx.finalInfo.worker_end_time')) to.double(it.worker_end_time);
    if (present(it.flags & 4, it.receipt, 'bombyx.finalInfo.receipt')) to.data(it.receipt);
    if (present(it.flags & 8, it.evidence, 'bombyx.finalInfo.evidence')) to.data(it.evidence);
  },
};

export const bombyx_answerHead: ObjectCodec<Tl<'bombyx.answerHead'>> = {
  kind: 'bombyx.answerHead', id: 0xf55397ac, type: 'bombyx.Answer',
  size: (it) => 36 + paddedSize(it.answer.length) + (it.final_info === undefined ? 0 : bombyx_finalInfo.size(it.final_info)),
  read(from) {
    const it: Mutable<Tl<'bombyx.answerHead'>> = { kind: 'bombyx.answerHead', request_id: from.raw(32), answer: from.data(), flags: from.flags() };
    if (it.flags & 1) it.final_info = bombyx_finalInfo.read(from);
    return it;
  },
  write(it, to) {
    if (it.kind !== 'bombyx.answerHead') throw wrongKind(it, 'bombyx.answerHead');
    to.raw(it.request_id, 32);
    to.data(it.answer);
    to.flags(it.flags);
    if (present(it.flags & 1, it.final_info, 'bombyx.answerHead.final_info')) bombyx_finalInfo.write(it.final_info, to);
  },
};

export const bombyx_answerPart: ObjectCodec<Tl<'bombyx.answerPart'>> = {
  kind: 'bombyx.answerPart', id: 0x6c984247, type: 'bombyx.Answer',
  size: (it) => 36 + paddedSize(it.data.length) + (it.final_info === undefined ? 0 : bombyx_finalInfo.size(it.final_info)),
  read(from) {
    const it: Mutable<Tl<'bombyx.answerPart'>> = { kind: 'bombyx.answerPart', request_id: from.raw(32), data: from.data(), flags: from.flags() };
    if (it.flags & 1) it.final_info = bombyx_finalInfo.read(from);
    return it;
  },
  write(it, to) {
    if (it.kind !== 'bombyx.answerPart') throw wrongKind(it, 'bombyx.answerPart');
    to.raw(it.request_id, 32);
    to.data(it.data);
    to.flags(it.flags);
    if (present(it.flags & 1, it.final_info, 'bombyx.answerPart.final_info')) bombyx_finalInfo.write(it.final_info, to);
  },
};

export const bombyx_answerError: ObjectCodec<Tl<'bombyx.answerError'>> = {
  kind: 'bombyx.answerError', id: 0xec327837, type: 'bombyx.Answer',
  size: (it) => 48 + textSize(it.reason) + textSize(it.message) + (it.final_info === undefined ? 0 : bombyx_finalInfo.size(it.final_info)),
  read(from) {
    const it: Mutable<Tl<'bombyx.answerError'>> = { kind: 'bombyx.answerError', request_id: from.raw(32), error_code: from.int32(), reason: from.string(), message: from.string(), http_status: from.int32(), retry_after_ms: from.int32(), flags: from.flags() };
    if (it.flags & 1) it.final_info = bombyx_finalInfo.read(from);
    return it;
  },
  write(it, to) {
    if (it.kind !== 'bombyx.answerError') throw wrongKind(it, 'bombyx.answerError');
    to.raw(it.request_id, 32);
    to.int32(it.error_code);
    to.string(it.reason);
    to.string(it.message);
    to.int32(it.http_status);
    to.int32(it.retry_after_ms);
    to.flags(it.flags);
    if (present(it.flags & 1, it.final_info, 'bombyx.answerError.final_info')) bombyx_finalInfo.write(it.final_info, to);
  },
};

export const bombyx_cancel: ObjectCodec<Tl<'bombyx.cancel'>> = {
  kind: 'bombyx.cancel', id: 0x8468bbc1, type: 'bombyx.Control',
  size: () => 32,
  read(from) {
    return { kind: 'bombyx.cancel', request_id: from.raw(32) };
  },
  write(it, to) {
    if (it.kind !== 'bombyx.cancel') throw wrongKind(it, 'bombyx.cancel');
    to.raw(it.request_id, 32);
  },
};

export const bombyx_window: ObjectCodec<Tl<'bombyx.window'>> = {
  kind: 'bombyx.window', id: 0x449fad8e, type: 'bombyx.Control',
  size: () => 36,
  read(from) {
    return { kind: 'bombyx.window', request_id: from.raw(32), bytes: from.int32() };
  },
  write(it, to) {
    if (it.kind !== 'bombyx.window') throw wrongKind(it, 'bombyx.window');
    to.raw(it.request_id, 32);
    to.int32(it.bytes);
  },
};

export const bombyx_servedBy: ObjectCodec<Tl<'bombyx.servedBy'>> = {
  kind: 'bombyx.servedBy', id: 0x83fec1ad, type: 'bombyx.ServedBy',
  size: (it) => 36 + textSize(it.tier) + textSize(it.model) + (it.evidence === undefined ? 0 : 32),
  read(from) {
    const it: Mutable<Tl<'bombyx.servedBy'>> = { kind: 'bombyx.servedBy', tier: from.string(), model: from.string(), image_hash: from.raw(32), flags: from.flags() };
    if (it.flags & 1) it.evidence = from.raw(32);
    return it;
  },
  write(it, to) {
    if (it.kind !== 'bombyx.servedBy') throw wrongKind(it, 'bombyx.servedBy');
    to.string(it.tier);
    to.string(it.model);
    to.raw(it.image_hash, 32);
    to.flags(it.flags);
    if (present(it.flags & 1, it.evidence, 'bombyx.servedBy.evidence')) to.raw(it.evidence, 32);
  },
};

export const bombyx_provenHead: ObjectCodec<Tl<'bombyx.provenHead'>> = {
  kind: 'bombyx.provenHead', id: 0xb3ff5acc, type: 'bombyx.Answer',
  size: (it) => 36 + paddedSize(it.answer.length) + bombyx_servedBy.size(it.worker) + (it.final_info === undefined ? 0 : bombyx_finalInfo.size(it.final_info)),
  read(from) {
    const it: Mutable<Tl<'bombyx.provenHead'>> = { kind: 'bombyx.provenHead', request_id: from.raw(32), answer: from.data(), worker: bombyx_servedBy.read(from), flags: from.flags() };
    if (it.flags & 1) it.final_info = bombyx_finalInfo.read(from);
    return it;
  },
  write(it, to) {
    if (it.kind !== 'bombyx.provenHead') throw wrongKind(it, 'bombyx.provenHead');
    to.raw(it.request_id, 32);
    to.data(it.answer);
    bombyx_servedBy.write(it.worker, to);
    to.flags(it.flags);
    if (present(it.flags & 1, it.final_info, 'bombyx.provenHead.final_info')) bombyx_finalInfo.write(it.final_info, to);
  },
};

export const bombyx_evidence: ObjectCodec<Tl<'bombyx.evidence'>> = {
  kind: 'bombyx.evidence', id: 0xa999c768, type: 'bombyx.Evidence',
  size: (it) => paddedSize(it.bundle.length),
  read(from) {
    return { kind: 'bombyx.evidence', bundle: from.data() };
  },
  write(it, to) {
    if (it.kind !== 'bombyx.evidence') throw wrongKind(it, 'bombyx.evidence');
    to.data(it.bundle);
  },
};

export const bombyx_workerProof: ObjectCodec<Tl<'bombyx.workerProof'>> = {
  kind: 'bombyx.workerProof', id: 0x1ce96b75, type: 'bombyx.WorkerProof',
  size: (it) => 44 + bombyx_servedBy.size(it.worker) + textSize(it.policy) + paddedSize(it.proof.length) + (it.nonce === undefined ? 0 : 32) + (it.exporter === undefined ? 0 : 32),
  read(from) {
    const it: Mutable<Tl<'bombyx.workerProof'>> = { kind: 'bombyx.workerProof', worker: bombyx_servedBy.read(from), public_key: from.raw(32), policy: from.string(), judged_at: from.double(), proof: from.data(), flags: from.flags() };
    if (it.flags & 1) it.nonce = from.raw(32);
    if (it.flags & 1) it.exporter = from.raw(32);
    return it;
  },
  write(it, to) {
    if (it.kind !== 'bombyx.workerProof') throw wrongKind(it, 'bombyx.workerProof');
    bombyx_servedBy.write(it.worker, to);
    to.raw(it.public_key, 32);
    to.string(it.policy);
    to.double(it.judged_at);
    to.data(it.proof);
    to.flags(it.flags);
    if (present(it.flags & 1, it.nonce, 'bombyx.workerProof.nonce')) to.raw(it.nonce, 32);
    if (present(it.flags & 1, it.exporter, 'bombyx.workerProof.exporter')) to.raw(it.exporter, 32);
  },
};

export const bombyx_workerProofs: ObjectCodec<Tl<'bombyx.workerProofs'>> = {
  kind: 'bombyx.workerProofs', id: 0xfb4413fc, type: 'bombyx.WorkerProofs',
  size: (it) => vectorSize(it.workers, (item) => bombyx_workerProof.size(item)),
  read(from) {
    return { kind: 'bombyx.workerProofs', workers: readVector(from, 96, (from) => bombyx_workerProof.read(from)) };
  },
  write(it, to) {
    if (it.kind !== 'bombyx.workerProofs') throw wrongKind(it, 'bombyx.workerProofs');
    writeVector(it.workers, to, (item, to) => bombyx_workerProof.write(item, to));
  },
};

export const client_connectToProxy: ObjectCodec<Tl<'client.connectToProxy'>> = {
  kind: 'client.connectToProxy', id: 0xff5fa0f4, type: undefined,
  size: (it) => 4 + client_params.size(it.params),
  read(from) {
    return { kind: 'client.connectToProxy', params: client_params.read(from), min_config_version: from.int32() };
  },
  write(it, to) {
    if (it.kind !== 'client.connectToProxy') throw wrongKind(it, 'client.connectToProxy');
    client_params.write(it.params, to);
    to.int32(it.min_config_version);
  },
};

export const client_authorizeWithProxyShort: ObjectCodec<Tl<'client.authorizeWithProxyShort'>> = {
  kind: 'client.authorizeWithProxyShort', id: 0x6c276723, type: undefined,
  size: (it) => paddedSize(it.data.length),
  read(from) {
    return { kind: 'client.authorizeWithProxyShort', data: from.data() };
  },
  write(it, to) {
    if (it.kind !== 'client.authorizeWithProxyShort') throw wrongKind(it, 'client.authorizeWithProxyShort');
    to.data(it.data);
  },
};

export const client_authorizeWithProxyLong: ObjectCodec<Tl<'client.authorizeWithProxyLong'>> = {
  kind: 'client.authorizeWithProxyLong', id: 0xd3474303, type: undefined,
  size: () => 0,
  read() {
    return { kind: 'client.authorizeWithProxyLong' };
  },
  write(it) {
    if (it.kind !== 'client.authorizeWithProxyLong') throw wrongKind(it, 'client.authorizeWithProxyLong');
  },
};

export const client_updatePaymentStatus: ObjectCodec<Tl<'client.updatePaymentStatus'>> = {
  kind: 'client.updatePaymentStatus', id: 0x9ed1c697, type: undefined,
  size: () => 0,
  read() {
    return { kind: 'client.updatePaymentStatus' };
  },
  write(it) {
    if (it.kind !== 'client.updatePaymentStatus') throw wrongKind(it, 'client.updatePaymentStatus');
  },
};

export const client_getWorkerTypes: ObjectCodec<Tl<'client.getWorkerTypes'>> = {
  kind: 'client.getWorkerTypes', id: 0x7f062bdb, type: undefined,
  size: () => 0,
  read() {
    return { kind: 'client.getWorkerTypes' };
  },
  write(it) {
    if (it.kind !== 'client.getWorkerTypes') throw wrongKind(it, 'client.getWorkerTypes');
  },
};

export const client_getWorkerTypesV2: ObjectCodec<Tl<'client.getWorkerTypesV2'>> = {
  kind: 'client.getWorkerTypesV2', id: 0xb2133d72, type: undefined,
  size: () => 0,
  read() {
    return { kind: 'client.getWorkerTypesV2' };
  },
  write(it) {
    if (it.kind !== 'client.getWorkerTypesV2') throw wrongKind(it, 'client.getWorkerTypesV2');
  },
};

export const client_runQuery: ObjectCodec<Tl<'client.runQuery'>> = {
  kind: 'client.runQuery', id: 0xbc748f32, type: undefined,
  size: (it) => 52 + textSize(it.model_name) + paddedSize(it.query.length),
  read(from) {
    return { kind: 'client.runQuery', model_name: from.string(), query: from.data(), max_coefficient: from.int32(), max_tokens: from.int32(), timeout: from.double(), request_id: from.raw(32), min_config_version: from.int32() };
  },
  write(it, to) {
    if (it.kind !== 'client.runQuery') throw wrongKind(it, 'client.runQuery');
    to.string(it.model_name);
    to.data(it.query);
    to.int32(it.max_coefficient);
    to.int32(it.max_tokens);
    to.double(it.timeout);
    to.raw(it.request_id, 32);
    to.int32(it.min_config_version);
  },
};

export const client_runQueryEx: ObjectCodec<Tl<'client.runQueryEx'>> = {
  kind: 'client.runQueryEx', id: 0xf54cb74b, type: undefined,
  size: (it) => 56 + textSize(it.model_name) + paddedSize(it.query.length) + (it.enable_debug === undefined ? 0 : 4),
  read(from) {
    const it: Mutable<Tl<'client.runQueryEx'>> = { kind: 'client.runQueryEx', model_name: from.string(), query: from.data(), max_coefficient: from.int32(), max_tokens: from.int32(), timeout: from.double(), request_id: from.raw(32), min_config_version: from.int32(), flags: from.flags() };
    if (it.flags & 1) it.enable_debug = from.bool();
    return it;
  },
  write(it, to) {
    if (it.kind !== 'client.runQueryEx') throw wrongKind(it, 'client.runQueryEx');
    to.string(it.model_name);
    to.data(it.query);
    to.int32(it.max_coefficient);
    to.int32(it.max_tokens);
    to.double(it.timeout);
    to.raw(it.request_id, 32);
    to.int32(it.min_config_version);
    to.flags(it.flags);
    if (present(it.flags & 1, it.enable_debug, 'client.runQueryEx.enable_debug')) to.bool(it.enable_debug);
  },
};

export const client_requestRefund: ObjectCodec<Tl<'client.requestRefund'>> = {
  kind: 'client.requestRefund', id: 0x238d863d, type: undefined,
  size: () => 0,
  read() {
    return { kind: 'client.requestRefund' };
  },
  write(it) {
    if (it.kind !== 'client.requestRefund') throw wrongKind(it, 'client.requestRefund');
  },
};

export const worker_connectToProxy: ObjectCodec<Tl<'worker.connectToProxy'>> = {
  kind: 'worker.connectToProxy', id: 0xcc484c5d, type: undefined,
  size: (it) => worker_params.size(it.params),
  read(from) {
    return { kind: 'worker.connectToProxy', params: worker_params.read(from) };
  },
  write(it, to) {
    if (it.kind !== 'worker.connectToProxy') throw wrongKind(it, 'worker.connectToProxy');
    worker_params.write(it.params, to);
  },
};

export const worker_compareBalanceWithProxy: ObjectCodec<Tl<'worker.compareBalanceWithProxy'>> = {
  kind: 'worker.compareBalanceWithProxy', id: 0xdb386501, type: undefined,
  size: () => 24,
  read(from) {
    return { kind: 'worker.compareBalanceWithProxy', tokens_committed_to_blockchain: from.int64(), tokens_committed_to_db: from.int64(), max_tokens: from.int64() };
  },
  write(it, to) {
    if (it.kind !== 'worker.compareBalanceWithProxy') throw wrongKind(it, 'worker.compareBalanceWithProxy');
    to.int64(it.tokens_committed_to_blockchain);
    to.int64(it.tokens_committed_to_db);
    to.int64(it.max_tokens);
  },
};

export const worker_extendedCompareBalanceWithProxy: ObjectCodec<Tl<'worker.extendedCompareBalanceWithProxy'>> = {
  kind: 'worker.extendedCompareBalanceWithProxy', id: 0xf8dd9914, type: undefined,
  size: (it) => 8 + paddedSize(it.other.length),
  read(from) {
    return { kind: 'worker.extendedCompareBalanceWithProxy', tokens_committed_to_db: from.int64(), other: from.data() };
  },
  write(it, to) {
    if (it.kind !== 'worker.extendedCompareBalanceWithProxy') throw wrongKind(it, 'worker.extendedCompareBalanceWithProxy');
    to.int64(it.tokens_committed_to_db);
    to.data(it.other);
  },
};

export const worker_proxyHandshakeComplete: ObjectCodec<Tl<'worker.proxyHandshakeComplete'>> = {
  kind: 'worker.proxyHandshakeComplete', id: 0xf843b066, type: undefined,
  size: () => 4,
  read(from) {
    return { kind: 'worker.proxyHandshakeComplete', is_disabled: from.bool() };
  },
  write(it, to) {
    if (it.kind !== 'worker.proxyHandshakeComplete') throw wrongKind(it, 'worker.proxyHandshakeComplete');
    to.bool(it.is_disabled);
  },
};

export const worker_updatePaymentStatus: ObjectCodec<Tl<'worker.updatePaymentStatus'>> = {
  kind: 'worker.updatePaymentStatus', id: 0xdc70a524, type: undefined,
  size: () => 0,
  read() {
    return { kind: 'worker.updatePaymentStatus' };
  },
  write(it) {
    if (it.kind !== 'worker.updatePaymentStatus') throw wrongKind(it, 'worker.updatePaymentStatus');
  },
};

export const proxy_runQuery: ObjectCodec<Tl<'proxy.runQuery'>> = {
  kind: 'proxy.runQuery', id: 0x47182416, type: undefined,
  size: (it) => 48 + paddedSize(it.query.length) + proxy_SignedPayment.size(it.signed_payment),
  read(from) {
    return { kind: 'proxy.runQuery', query: from.data(), signed_payment: proxy_SignedPayment.read(from), coefficient: from.int64(), timeout: from.double(), request_id: from.raw(32) };
  },
  write(it, to) {
    if (it.kind !== 'proxy.runQuery') throw wrongKind(it, 'proxy.runQuery');
    to.data(it.query);
    proxy_SignedPayment.write(it.signed_payment, to);
    to.int64(it.coefficient);
    to.double(it.timeout);
    to.raw(it.request_id, 32);
  },
};

export const proxy_runQueryEx: ObjectCodec<Tl<'proxy.runQueryEx'>> = {
  kind: 'proxy.runQueryEx', id: 0xc805e7e2, type: undefined,
  size: (it) => 52 + paddedSize(it.query.length) + proxy_SignedPayment.size(it.signed_payment) + (it.enable_debug === undefined ? 0 : 4),
  read(from) {
    const it: Mutable<Tl<'proxy.runQueryEx'>> = { kind: 'proxy.runQueryEx', query: from.data(), signed_payment: proxy_SignedPayment.read(from), coefficient: from.int64(), timeout: from.double(), request_id: from.raw(32), flags: from.flags() };
    if (it.flags & 1) it.enable_debug = from.bool();
    return it;
  },
  write(it, to) {
    if (it.kind !== 'proxy.runQueryEx') throw wrongKind(it, 'proxy.runQueryEx');
    to.data(it.query);
    proxy_SignedPayment.write(it.signed_payment, to);
    to.int64(it.coefficient);
    to.double(it.timeout);
    to.raw(it.request_id, 32);
    to.flags(it.flags);
    if (present(it.flags & 1, it.enable_debug, 'proxy.runQueryEx.enable_debug')) to.bool(it.enable_debug);
  },
};

export const http_request: ObjectCodec<Tl<'http.request'>> = {
  kind: 'http.request', id: 0x47492de5, type: undefined,
  size: (it) => textSize(it.method) + textSize(it.url) + textSize(it.http_version) + vectorSize(it.headers, (item) => http_header.size(item)) + paddedSize(it.payload.length),
  read(from) {
    return { kind: 'http.request', method: from.string(), url: from.string(), http_version: from.string(), headers: readVector(from, 8, (from) => http_header.read(from)), payload: from.data() };
  },
  write(it, to) {
    if (it.kind !== 'http.request') throw wrongKind(it, 'http.request');
    to.string(it.method);
    to.string(it.url);
    to.string(it.http_version);
    writeVector(it.headers, to, (item, to) => http_header.write(item, to));
    to.data(it.payload);
  },
};

export const keyManager_getWorkerPrivateKeys: ObjectCodec<Tl<'keyManager.getWorkerPrivateKeys'>> = {
  kind: 'keyManager.getWorkerPrivateKeys', id: 0x2a26eff5, type: undefined,
  size: () => 4,
  read(from) {
    return { kind: 'keyManager.getWorkerPrivateKeys', min_config_version: from.int32() };
  },
  write(it, to) {
    if (it.kind !== 'keyManager.getWorkerPrivateKeys') throw wrongKind(it, 'keyManager.getWorkerPrivateKeys');
    to.int32(it.min_config_version);
  },
};

export const keyManager_getProxyPrivateKeys: ObjectCodec<Tl<'keyManager.getProxyPrivateKeys'>> = {
  kind: 'keyManager.getProxyPrivateKeys', id: 0x47a9c2de, type: undefined,
  size: () => 4,
  read(from) {
    return { kind: 'keyManager.getProxyPrivateKeys', min_config_version: from.int32() };
  },
  write(it, to) {
    if (it.kind !== 'keyManager.getProxyPrivateKeys') throw wrongKind(it, 'keyManager.getProxyPrivateKeys');
    to.int32(it.min_config_version);
  },
};

export const test_query: ObjectCodec<Tl<'test.query'>> = {
  kind: 'test.query', id: 0x394e9143, type: undefined,
  size: () => 8,
  read(from) {
    return { kind: 'test.query', id: from.int64() };
  },
  write(it, to) {
    if (it.kind !== 'test.query') throw wrongKind(it, 'test.query');
    to.int64(it.id);
  },
};

export const bombyx_runQuery: ObjectCodec<Tl<'bombyx.runQuery'>> = {
  kind: 'bombyx.runQuery', id: 0x68b8733f, type: undefined,
  size: (it) => 64 + textSize(it.model_name) + paddedSize(it.query.length) + (it.enable_debug === undefined ? 0 : 4) + (it.evidence_nonce === undefined ? 0 : paddedSize(it.evidence_nonce.length)),
  read(from) {
    const it: Mutable<Tl<'bombyx.runQuery'>> = { kind: 'bombyx.runQuery', request_id: from.raw(32), model_name: from.string(), query: from.data(), max_coefficient: from.int32(), max_tokens: from.int32(), first_byte_timeout_ms: from.int32(), idle_timeout_ms: from.int32(), total_timeout_ms: from.int32(), window: from.int32(), min_config_version: from.int32(), flags: from.flags() };
    if (it.flags & 1) it.enable_debug = from.bool();
    if (it.flags & 2) it.evidence_nonce = from.data();
    return it;
  },
  write(it, to) {
    if (it.kind !== 'bombyx.runQuery') throw wrongKind(it, 'bombyx.runQuery');
    to.raw(it.request_id, 32);
    to.string(it.model_name);
    to.data(it.query);
    to.int32(it.max_coefficient);
    to.int32(it.max_tokens);
    to.int32(it.first_byte_timeout_ms);
    to.int32(it.idle_timeout_ms);
    to.int32(it.total_timeout_ms);
    to.int32(it.window);
    to.int32(it.min_config_version);
    to.flags(it.flags);
    if (present(it.flags & 1, it.enable_debug, 'bombyx.runQuery.enable_debug')) to.bool(it.enable_debug);
    if (present(it.flags & 2, it.evidence_nonce, 'bombyx.runQuery.evidence_nonce')) to.data(it.evidence_nonce);
  },
};

export const bombyx_runJob: ObjectCodec<Tl<'bombyx.runJob'>> = {
  kind: 'bombyx.runJob', id: 0xabb38fda, type: undefined,
  size: (it) => 60 + paddedSize(it.query.length) + proxy_SignedPayment.size(it.signed_payment) + (it.enable_debug === undefined ? 0 : 4) + (it.evidence_nonce === undefined ? 0 : paddedSize(it.evidence_nonce.length)),
  read(from) {
    const it: Mutable<Tl<'bombyx.runJob'>> = { kind: 'bombyx.runJob', request_id: from.raw(32), query: from.data(), signed_payment: proxy_SignedPayment.read(from), coefficient: from.int32(), max_tokens: from.int32(), first_byte_timeout_ms: from.int32(), idle_timeout_ms: from.int32(), total_timeout_ms: from.int32(), window: from.int32(), flags: from.flags() };
    if (it.flags & 1) it.enable_debug = from.bool();
    if (it.flags & 2) it.evidence_nonce = from.data();
    return it;
  },
  write(it, to) {
    if (it.kind !== 'bombyx.runJob') throw wrongKind(it, 'bombyx.runJob');
    to.raw(it.request_id, 32);
    to.data(it.query);
    proxy_SignedPayment.write(it.signed_payment, to);
    to.int32(it.coefficient);
    to.int32(it.max_tokens);
    to.int32(it.first_byte_timeout_ms);
    to.int32(it.idle_timeout_ms);
    to.int32(it.total_timeout_ms);
    to.int32(it.window);
    to.flags(it.flags);
    if (present(it.flags & 1, it.enable_debug, 'bombyx.runJob.enable_debug')) to.bool(it.enable_debug);
    if (present(it.flags & 2, it.evidence_nonce, 'bombyx.runJob.evidence_nonce')) to.data(it.evidence_nonce);
  },
};

export const bombyx_attest: ObjectCodec<Tl<'bombyx.attest'>> = {
  kind: 'bombyx.attest', id: 0x0056310b, type: undefined,
  size: () => 32,
  read(from) {
    return { kind: 'bombyx.attest', nonce: from.raw(32) };
  },
  write(it, to) {
    if (it.kind !== 'bombyx.attest') throw wrongKind(it, 'bombyx.attest');
    to.raw(it.nonce, 32);
  },
};

export const bombyx_getWorkerProofs: ObjectCodec<Tl<'bombyx.getWorkerProofs'>> = {
  kind: 'bombyx.getWorkerProofs', id: 0xa6079697, type: undefined,
  size: (it) => paddedSize(it.evidence.length),
  read(from) {
    return { kind: 'bombyx.getWorkerProofs', evidence: from.data() };
  },
  write(it, to) {
    if (it.kind !== 'bombyx.getWorkerProofs') throw wrongKind(it, 'bombyx.getWorkerProofs');
    to.data(it.evidence);
  },
};

const client_ProxyConnectionAuth = boxed<TlOfType<'client.ProxyConnectionAuth'>>([client_proxyConnectionAuthShort, client_proxyConnectionAuthLong]);
const proxy_SignedPayment = boxed<TlOfType<'proxy.SignedPayment'>>([proxy_signedPayment, proxy_signedPaymentEmpty]);
const rootConfig_Config = boxed<TlOfType<'rootConfig.Config'>>([rootConfig_configV5, rootConfig_pseudo]);

/** In the order of the schema. */
export const codecs: readonly ObjectCodec<TlObject>[] = [
  tcp_connect,
  tcp_connected,
  tcp_ping,
  tcp_pong,
  tcp_packet,
  tcp_query,
  tcp_queryAnswer,
  tcp_queryError,
  tokensUsed,
  client_params,
  proxy_params,
  worker_params,
  proxy_signedPayment,
  proxy_signedPaymentEmpty,
  client_connectedToProxy,
  client_proxyConnectionAuthShort,
  client_proxyConnectionAuthLong,
  client_authorizationWithProxySuccess,
  client_authorizationWithProxyFailed,
  client_paymentStatus,
  proxy_clientRequestPayment,
  client_queryAnswerEx,
  client_queryAnswerPartEx,
  client_queryAnswerErrorEx,
  client_queryFinalInfo,
  client_queryAnswer,
  client_queryAnswerPart,
  client_queryAnswerError,
  client_queryAnswerPartError,
  client_workerTypes,
  client_workerType,
  client_workerTypesV2,
  client_workerTypeV2,
  client_workerInstanceV2,
  client_refund,
  client_refundRejected,
  worker_connectedToProxy,
  worker_compareBalanceWithProxyResult,
  worker_extendedCompareBalanceWithProxyResult,
  worker_proxyHandshakeCompleted,
  worker_paymentStatus,
  worker_enabledDisabled,
  worker_newCoefficient,
  proxy_workerRequestPayment,
  proxy_queryAnswerEx,
  proxy_queryAnswerPartEx,
  proxy_queryAnswerErrorEx,
  proxy_queryFinalInfo,
  proxy_queryAnswer,
  proxy_queryAnswerPart,
  proxy_queryAnswerError,
  proxy_queryAnswerPartError,
  http_response,
  http_header,
  test_answer,
  keyManager_privateKeys,
  keyManager_privateKey,
  proxyDb_configEmpty,
  proxyDb_configV4,
  proxyDb_configV4Disabled,
  proxyDb_pendingBlockchainSeqnoCommit,
  proxyDb_clientInfo,
  proxyDb_clientInfoV2,
  proxyDb_workerInfo,
  proxyDb_oldInstance,
  proxyDb_oldClient,
  proxyDb_oldWorker,
  rootConfig_configV5,
  rootConfig_registeredProxy,
  rootConfig_pseudo,
  ton_blockIdExt,
  keyManagerDb_configEmpty,
  keyManagerDb_configV1,
  keyManagerDb_key,
  clientRunner_config,
  proxyRunner_config,
  workerRunner_config,
  keyStorageRunner_config,
  bombyx_finalInfo,
  bombyx_answerHead,
  bombyx_answerPart,
  bombyx_answerError,
  bombyx_cancel,
  bombyx_window,
  bombyx_servedBy,
  bombyx_provenHead,
  bombyx_evidence,
  bombyx_workerProof,
  bombyx_workerProofs,
  client_connectToProxy,
  client_authorizeWithProxyShort,
  client_authorizeWithProxyLong,
  client_updatePaymentStatus,
  client_getWorkerTypes,
  client_getWorkerTypesV2,
  client_runQuery,
  client_runQueryEx,
  client_requestRefund,
  worker_connectToProxy,
  worker_compareBalanceWithProxy,
  worker_extendedCompareBalanceWithProxy,
  worker_proxyHandshakeComplete,
  worker_updatePaymentStatus,
  proxy_runQuery,
  proxy_runQueryEx,
  http_request,
  keyManager_getWorkerPrivateKeys,
  keyManager_getProxyPrivateKeys,
  test_query,
  bombyx_runQuery,
  bombyx_runJob,
  bombyx_attest,
  bombyx_getWorkerProofs,
];
