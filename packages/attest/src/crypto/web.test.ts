import { cryptoSuite, sameVerdicts } from '../../testing/crypto-suite.ts';
import { nodeCrypto } from './node.ts';
import { webCrypto } from './web.ts';

cryptoSuite('the cryptography of pages', webCrypto);
sameVerdicts(webCrypto, nodeCrypto);
