/** The roles that meet others on the wire: all of one network go by the same root configuration. */
import { randomBytes } from 'node:crypto';
import type { TonApi } from '@bombyx/config';
import { type Chain, type RootConfig, readFakeRoot, Toncenter } from '@bombyx/ton';
import { readConfig } from './config-file.ts';
import { type Deps, type Role, roleCommand } from './role-command.ts';
import type { Command } from './usage.ts';

/** The root contract's chain, or its configuration from a file. */
type PeerDeps = Deps &
  ({ readonly chain: Chain; readonly root?: undefined } | { readonly root: RootConfig; readonly chain?: undefined });

export function peerCommand<Config extends { readonly tonApi: TonApi }>(role: Role<Config, PeerDeps>): Command {
  const command = roleCommand<Config>({
    ...role,
    open(config, deps, scope, args) {
      const file = args.text('disable-ton');
      if (file === undefined) {
        const chain = scope.use(new Toncenter(config.tonApi, { ...deps, random: { bytes: randomBytes } }));
        return role.open(config, { ...deps, chain }, scope, args);
      }
      const root = readConfig(file, 'root configuration', readFakeRoot);
      return role.open(config, { ...deps, root }, scope, args);
    },
  });
  const help = 'run without TON, with this root configuration';
  return {
    ...command,
    options: { ...command.options, 'disable-ton': { type: 'string', short: 'C', value: 'FILE', help } },
    examples: [...command.examples, `${command.examples[0]} --disable-ton root.json`],
  };
}
