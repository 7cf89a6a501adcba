declare const REINIT_VERSION: string | undefined;

/** Defined when the bundle is built; a run from the sources has none. */
export const version: string = typeof REINIT_VERSION === 'string' ? REINIT_VERSION : '0.0.0-source';
