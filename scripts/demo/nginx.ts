import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Example } from './example.ts';

/** The real nginx; its configuration is two files, one of them in a directory, as `items` of a ConfigMap volume can map them. */
export function nginxExample(program: string, work: string, etc: string, port: number): Example {
  const run = join(work, 'run');
  const options = ['-p', run, '-c', join(etc, 'nginx.conf'), '-e', 'stderr'];
  return {
    title: 'nginx',
    prepare: () => mkdirSync(run),
    command: [program, ...options, '-g', 'daemon off;'],
    validate: [program, ...options, '-t', '-q'],
    stopSignal: 'QUIT',
    payload: (text, broken = false) => ({
      'nginx.conf': main(run, etc),
      'conf.d/hello.conf': site(port, text, broken),
    }),
  };
}

const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];

function main(run: string, etc: string): string {
  const paths = temporary.map((name) => `  ${name}_temp_path ${run}/${name};`).join('\n');
  return `pid ${run}/nginx.pid;\nworker_processes 1;\nevents {}\nhttp {\n  access_log off;\n${paths}\n  include ${etc}/conf.d/*.conf;\n}\n`;
}

function site(port: number, text: string, broken: boolean): string {
  return `server {\n  listen 127.0.0.1:${port};\n  location / {\n    ${broken ? 'retrun' : 'return'} 200 "${text}\\n";\n  }\n}\n`;
}
