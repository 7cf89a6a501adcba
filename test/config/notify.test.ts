import { describe, expect, test } from 'vitest';
import { notifyKinds } from '../../src/config/model.ts';
import { loadMain, refused } from './support.ts';

const url = 'https://hooks.example/services/s3cret';

describe('notify', () => {
  test('a URL alone: everything that went wrong, as JSON, without what validators print', () => {
    const usual = {
      url,
      events: notifyKinds.filter((kind) => kind !== 'applied'),
      format: 'json',
      headers: {},
      header_files: {},
      timeout: 10_000,
      output: false,
    };
    expect(loadMain({ yaml: `notify: ${url}\n` }).notify).toEqual([usual]);
    expect(loadMain({ yaml: `notify: [${url}]\n` }).notify).toEqual([usual]);
  });

  test('a line of the log: as Kubernetes has events', () => {
    expect(loadMain({ yaml: 'notify: [{ to: log, events: [refused] }]\n' }).notify).toMatchObject([
      { url: undefined, events: ['refused'], format: 'kubernetes_event' },
    ]);
  });

  test.each([
    ['[{ events: [refused] }]', 'it has to have one of url and to'],
    [`[{ url: "${url}", to: log }]`, 'it has to have one of url and to'],
    [`[{ url: "${url}", events: [refuse] }]`, 'refused'],
    [`[{ url: "${url}", events: [] }]`, 'it is empty'],
    ['[{ url: "ftp://hooks.example" }]', 'neither http:// nor https://'],
    [`[{ url: "${url}", headers: { A: b }, header_files: { a: /x } }]`, 'this header is under headers, too'],
    [`[{ webhook: "${url}" }]`, "reinit's name for it is url"],
    [`{ url: "${url}" }`, 'it is a mapping'],
  ])('%s is refused, and its address not shown', (text, words) => {
    const { text: message } = refused({ yaml: `notify: ${text}\n` });
    expect(message).toContain(words);
    expect(message).not.toContain('s3cret');
  });
});
