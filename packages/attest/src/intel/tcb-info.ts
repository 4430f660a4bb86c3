/** TCB info and QE identity: what Intel says about the levels of a platform. Source: Intel's PCS API v4; attestation.md §6. */

import { MalformedError } from '../malformed.ts';
import {
  type Fields,
  fieldsOf,
  hexIn,
  instantIn,
  integerIn,
  listIn,
  oneOf,
  parseFields,
  textIn,
  textsIn,
} from './shape.ts';

const platformStatuses = [
  'UpToDate',
  'SWHardeningNeeded',
  'ConfigurationNeeded',
  'ConfigurationAndSWHardeningNeeded',
  'OutOfDate',
  'OutOfDateConfigurationNeeded',
  'Revoked',
] as const;
const partStatuses = ['UpToDate', 'OutOfDate', 'Revoked'] as const;

export type PlatformStatus = (typeof platformStatuses)[number];
/** Of a TDX module or a quoting enclave. */
export type PartStatus = (typeof partStatuses)[number];

/** A level of a TDX module or a quoting enclave: holds from this ISVSVN on. */
export interface PartLevel {
  readonly isvSvn: number;
  readonly status: PartStatus;
  readonly tcbDate: string;
  readonly advisories: readonly string[];
}

export interface PlatformLevel {
  readonly sgxComponents: readonly number[];
  readonly pceSvn: number;
  /** TDX only. */
  readonly tdxComponents?: readonly number[];
  readonly status: PlatformStatus;
  /** As Intel writes it. */
  readonly tcbDate: string;
  readonly advisories: readonly string[];
}

export interface TdxModule {
  readonly mrSigner: Uint8Array;
  readonly attributes: Uint8Array;
}

export interface TdxModuleIdentity extends TdxModule {
  /** `TDX_` and the version in upper-case hex. */
  readonly id: string;
  readonly levels: readonly PartLevel[];
}

interface Dated {
  readonly id: string;
  readonly version: number;
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
  readonly evaluationNumber: number;
}

export interface TcbInfo extends Dated {
  /** Lower-case hex. */
  readonly fmspc: string;
  readonly pceId: string;
  /** Best first. */
  readonly levels: readonly PlatformLevel[];
  /** TDX only. */
  readonly tdxModule?: TdxModule;
  readonly tdxModuleIdentities: readonly TdxModuleIdentity[];
}

export interface QeIdentity extends Dated {
  readonly miscSelect: Uint8Array;
  readonly miscSelectMask: Uint8Array;
  readonly attributes: Uint8Array;
  readonly attributesMask: Uint8Array;
  readonly mrSigner: Uint8Array;
  readonly isvProdId: number;
  readonly levels: readonly PartLevel[];
}

/** @throws {MalformedError} */
export function readTcbInfo(text: string): TcbInfo {
  const fields = parseFields(text);
  const dated = readDated(fields);
  const tdx = dated.id === 'TDX';
  if (integerIn(fields, 'tcbType', 0xffff) !== 0)
    throw new MalformedError('tcbType: levels are compared in an unknown way');
  const identities = fields['tdxModuleIdentities'] === undefined ? [] : listIn(fields, 'tdxModuleIdentities');
  const tdxModuleIdentities = identities.map(readModuleIdentity);
  if (new Set(tdxModuleIdentities.map(({ id }) => id)).size !== tdxModuleIdentities.length)
    throw new MalformedError('tdxModuleIdentities: an id comes twice');
  return {
    ...dated,
    fmspc: hexTextIn(fields, 'fmspc', 6),
    pceId: hexTextIn(fields, 'pceId', 2),
    levels: listIn(fields, 'tcbLevels').map((level) => readPlatformLevel(level, tdx)),
    ...(tdx && { tdxModule: readModule(fieldsOf(fields['tdxModule'], 'tdxModule')) }),
    tdxModuleIdentities,
  };
}

/** @throws {MalformedError} */
export function readQeIdentity(text: string): QeIdentity {
  const fields = parseFields(text);
  return {
    ...readDated(fields),
    miscSelect: hexIn(fields, 'miscselect', 4).reverse(), // written as a number, most significant byte first
    miscSelectMask: hexIn(fields, 'miscselectMask', 4).reverse(),
    attributes: hexIn(fields, 'attributes', 16),
    attributesMask: hexIn(fields, 'attributesMask', 16),
    mrSigner: hexIn(fields, 'mrsigner', 32),
    isvProdId: integerIn(fields, 'isvprodid', 0xffff),
    levels: listIn(fields, 'tcbLevels').map(readPartLevel),
  };
}

function readDated(fields: Fields): Dated {
  return {
    id: textIn(fields, 'id'),
    version: integerIn(fields, 'version', 0xffff),
    issuedAtMs: instantIn(fields, 'issueDate'),
    expiresAtMs: instantIn(fields, 'nextUpdate'),
    evaluationNumber: integerIn(fields, 'tcbEvaluationDataNumber', 0xffff_ffff),
  };
}

function hexTextIn(fields: Fields, name: string, size: number): string {
  hexIn(fields, name, size);
  return textIn(fields, name).toLowerCase();
}

function readPlatformLevel(value: unknown, tdx: boolean): PlatformLevel {
  const fields = fieldsOf(value, 'level');
  const tcb = fieldsOf(fields['tcb'], 'tcb');
  return {
    sgxComponents: readComponents(tcb, 'sgxtcbcomponents'),
    pceSvn: integerIn(tcb, 'pcesvn', 0xffff),
    ...(tdx && { tdxComponents: readComponents(tcb, 'tdxtcbcomponents') }),
    status: oneOf(fields, 'tcbStatus', platformStatuses),
    tcbDate: dateIn(fields),
    advisories: textsIn(fields, 'advisoryIDs'),
  };
}

function readComponents(tcb: Fields, name: string): readonly number[] {
  const components = listIn(tcb, name).map((item) => integerIn(fieldsOf(item, name), 'svn', 0xffff));
  if (components.length !== 16) throw new MalformedError(`${name}: ${components.length} components, not 16`);
  return components;
}

function readPartLevel(value: unknown): PartLevel {
  const fields = fieldsOf(value, 'level');
  return {
    isvSvn: integerIn(fieldsOf(fields['tcb'], 'tcb'), 'isvsvn', 0xffff),
    status: oneOf(fields, 'tcbStatus', partStatuses),
    tcbDate: dateIn(fields),
    advisories: textsIn(fields, 'advisoryIDs'),
  };
}

function dateIn(fields: Fields): string {
  instantIn(fields, 'tcbDate');
  return textIn(fields, 'tcbDate');
}

function readModule(fields: Fields): TdxModule {
  hexIn(fields, 'attributesMask', 8); // of no use: all attributes must be zero
  return { mrSigner: hexIn(fields, 'mrsigner', 48), attributes: hexIn(fields, 'attributes', 8) };
}

function readModuleIdentity(value: unknown): TdxModuleIdentity {
  const fields = fieldsOf(value, 'module identity');
  const id = textIn(fields, 'id').toUpperCase();
  return { id, ...readModule(fields), levels: listIn(fields, 'tcbLevels').map(readPartLevel) };
}
