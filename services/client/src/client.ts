import type { Client, ClientDeps } from './api.ts';
import type { ClientConfig } from './config.ts';

export declare function createClient(config: ClientConfig, deps: ClientDeps): Promise<Client>;
