import type { Payload } from '../../test/fixtures/kubelet.ts';

/** What the demo runs, and what it does to its configuration. */
export interface Example {
  /** For people. */
  readonly title: string;
  /** What goes before the first start. */
  readonly prepare: () => void;
  readonly command: readonly string[];
  readonly validate: readonly string[];
  readonly stopSignal: string;
  /** The ConfigMap with which it answers with `text`; a broken one is one that it cannot read. */
  readonly payload: (text: string, broken?: boolean) => Payload;
}
