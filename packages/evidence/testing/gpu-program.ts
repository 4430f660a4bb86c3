/** Stands in for `nvattest`: prints a file, or misbehaves. Arguments: mood, file. */
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';

const [mood = '', file = ''] = process.argv.slice(2);

switch (mood) {
  case 'print':
    process.stdout.write(readFileSync(file));
    break;
  case 'hang': {
    const child = spawn('sleep', ['1000'], { stdio: 'inherit' }); // one that hangs too
    if (file !== '') writeFileSync(file, String(child.pid));
    setInterval(() => {}, 1_000);
    break;
  }
  case 'flood': {
    const line = Buffer.alloc(65_536, 'x');
    const pour = () => {
      while (process.stdout.write(line));
      process.stdout.once('drain', pour);
    };
    pour();
    break;
  }
  case 'fail':
    process.stderr.write('no GPU in confidential-computing mode\u001b[2J');
    process.exitCode = 3;
    break;
  default:
    throw new Error(`unknown mood ${mood}`);
}
