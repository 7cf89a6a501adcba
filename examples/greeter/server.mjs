// A small server as many are: reads its configuration at start, again on HUP, and dies of a configuration that it cannot read.
// `server.mjs --check FILE` only checks. `server.mjs FILE` serves; the file holds {"port": 8080, "greeting": "…"}.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

function load(file) {
  const { port, greeting } = JSON.parse(readFileSync(file, 'utf8'));
  if (!Number.isInteger(port) || port < 1 || port > 65535) throw new Error(`${file}: "port" must be a number from 1 to 65535`);
  if (typeof greeting !== 'string') throw new Error(`${file}: "greeting" must be a text`);
  return { port, greeting };
}

function fail(error) {
  console.error(`greeter: ${error.message}`);
  process.exit(1);
}

function serve(file) {
  let config = load(file);
  const server = createServer((_request, response) => response.setHeader('connection', 'close').end(`${config.greeting}\n`));
  process.on('SIGHUP', () => {
    try {
      config = { ...load(file), port: config.port };
      console.log('greeter: configuration read again');
    } catch (error) {
      fail(error);
    }
  });
  process.on('SIGTERM', () => server.close(() => process.exit(0)));
  server.listen(config.port, '127.0.0.1', () => console.log(`greeter: http://127.0.0.1:${config.port}/`));
}

const [first, second] = process.argv.slice(2);
try {
  if (first === '--check') load(second);
  else serve(first);
} catch (error) {
  fail(error);
}
