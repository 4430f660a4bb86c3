import { cryptoSuite } from '../../testing/crypto-suite.ts';
import { nodeCrypto } from './node.ts';

cryptoSuite('the cryptography of Node', nodeCrypto);
