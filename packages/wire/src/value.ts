/** The TypeScript types of all objects, read by the compiler from the TL text of schema.ts. */
import type { constructors, functions } from './schema.ts';

type Split<S extends string, By extends string, Out extends string[] = []> = S extends `${infer Head}${By}${infer Rest}`
  ? Split<Rest, By, [...Out, Head]>
  : [...Out, S];

/** The words of the lines of one declaration; an indent gives empty words, which are dropped. */
type Words<Lines extends string[], Out extends string[] = []> = Lines extends [
  infer Line extends string,
  ...infer Rest extends string[],
]
  ? Words<Rest, [...Out, ...NotEmpty<Split<Line, ' '>>]>
  : Out;
type NotEmpty<W extends string[], Out extends string[] = []> = W extends [
  infer Head extends string,
  ...infer Rest extends string[],
]
  ? NotEmpty<Rest, Head extends '' ? Out : [...Out, Head]>
  : Out;

/** `{ name, result, fields }` of one declaration; `fields` is a union of `field:type`, a vector written `[]type`. */
type Parse<Declaration extends string> = Declaration extends string
  ? ParseWords<Words<Split<Declaration, '\n'>>>
  : never;
type ParseWords<W extends string[]> = W extends [infer Head extends string, ...infer Rest extends string[]]
  ? { name: Head extends `${infer Name}#${string}` ? Name : Head; fields: Fields<Rest>; result: Last<Rest> }
  : never;
type Last<W extends string[]> = W extends [...string[], infer L extends string] ? L : never;
type Fields<W extends string[], Out extends string = never> = W extends [
  `${infer Name}:(vector`,
  `${infer Item})`,
  ...infer Rest extends string[],
]
  ? Fields<Rest, Out | `${Name}:[]${Item}`>
  : W extends ['=', ...string[]]
    ? Out
    : W extends [infer Field extends string, ...infer Rest extends string[]]
      ? Fields<Rest, Out | Field>
      : Out;

type ParseAll<Text extends string> = Text extends string ? Parse<Split<Text, ';'>[number]> : never;
type Declared = { name: string; fields: string; result: string };
type Constructor = ParseAll<(typeof constructors)[number]>;
type Asking = ParseAll<(typeof functions)[number]>;

interface Basic {
  '#': number;
  int: number;
  long: bigint;
  double: number;
  string: string;
  bytes: Buffer;
  int128: Buffer;
  int256: Buffer;
  Bool: boolean;
}
type ValueOf<Type extends string> = Type extends keyof Basic
  ? Basic[Type]
  : Type extends `[]${infer Item}`
    ? readonly ValueOf<Item>[]
    : Type extends TlName
      ? Tl<Type>
      : Type extends TlTypeName
        ? TlOfType<Type>
        : never;

type ObjectOf<D extends Declared> = { readonly kind: D['name'] } & {
  readonly [F in D['fields'] as Exclude<NameOf<F>, OptionalName<F>>]: F extends `${string}:${infer Type}`
    ? ValueOf<Type>
    : never;
} & {
  readonly [F in D['fields'] as OptionalName<F>]?:
    | (F extends `${string}?${infer Type}` ? ValueOf<Type> : never)
    | undefined;
} extends infer Whole
  ? { [K in keyof Whole]: Whole[K] } // one flat object, for the reader of a hover
  : never;
type NameOf<Field extends string> = Field extends `${infer Name}:${string}` ? Name : never;
type OptionalName<Field extends string> = Field extends `${infer Name}:flags.${string}` ? Name : never;

type Objects = { [D in Constructor | Asking as D['name']]: ObjectOf<D> };
type Results = { [D in Constructor as D['result']]: Tl<D['name']> };
type Answers = { [F in Asking as F['name']]: F['result'] };

/** Name of a constructor or function, such as `'client.runQueryEx'`. */
export type TlName = keyof Objects;
/** Name of a function: an object that asks. */
export type TlFunctionName = keyof Answers;
/** Name of a boxed type, such as `'proxy.SignedPayment'`. */
export type TlTypeName = keyof Results;

/**
 * The value of one constructor or function: a plain object, `kind` first and then the fields of the schema. `long` is a
 * bigint, `bytes` and `int256` are Buffers (views of what was decoded), an optional field is present iff its bit of
 * `flags` is set.
 */
export type Tl<Name extends TlName> = Objects[Name];
/** Any of the constructors of a boxed type: `TlOfType<'proxy.SignedPayment'>`. Functions are not of the type they ask for. */
export type TlOfType<Type extends TlTypeName> = Results[Type];
/** What a function is answered with. */
export type TlAnswer<Name extends TlFunctionName> = TlOfType<Extract<Answers[Name], TlTypeName>>;
/** Any object that asks. */
export type TlFunction = Objects[TlFunctionName];
/** Any object of the protocol. */
export type TlObject = Objects[TlName];
