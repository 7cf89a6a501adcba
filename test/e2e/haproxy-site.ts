import type { Payload } from '../fixtures/kubelet.ts';

/** One frontend on this port of 127.0.0.1, which answers with the text; haproxy refuses an unknown directive. */
export const haproxyPayload = (port: number, text: string, directive = 'http-request'): Payload => ({
  'haproxy.cfg': `global
  nbthread 1
defaults
  mode http
  timeout connect 1s
  timeout client 1s
  timeout server 1s
frontend main
  bind 127.0.0.1:${port}
  ${directive} return status 200 content-type text/plain string "${text}"
`,
});
