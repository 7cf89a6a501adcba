/**
 * Writes build/gen/messages.gen.h from the one table of messages: constants, structs, and for init's side a decoder for each message that
 * it reads and an encoder for each that it writes. The primitives are in src/init/wire.h.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { constants, type FieldType, maxFrameBytes, maxMemoBytes, messages, protocolVersion } from '../src/link/messages.ts';

const cTypes: Record<FieldType, string> = {
  u8: 'uint8_t',
  u16: 'uint16_t',
  u32: 'uint32_t',
  i32: 'int32_t',
  u64: 'uint64_t',
  bytes: 'struct span',
  list: 'struct list',
};

const upper = (name: string): string => name.toUpperCase();
const fieldsOf = (name: keyof typeof messages): [string, FieldType][] => Object.entries(messages[name].fields);

function struct(name: keyof typeof messages): string {
  return `struct msg_${name} {\n${fieldsOf(name)
    .map(([field, type]) => `\t${cTypes[type]} ${field};\n`)
    .join('')}};\n`;
}

function decoder(name: keyof typeof messages): string {
  const steps = fieldsOf(name).map(([field, type]) => `take_${type}(&in, &m->${field})`);
  return `static inline bool decode_${name}(struct span in, struct msg_${name} *m)\n{\n\treturn ${[...steps, 'in.len == 0'].join(' &&\n\t       ')};\n}\n`;
}

function encoder(name: keyof typeof messages): string {
  const steps = fieldsOf(name).map(([field, type]) => `\tput_${type}(out, m->${field});\n`);
  return `static inline void encode_${name}(struct buf *out, const struct msg_${name} *m)\n{\n\tsize_t frame = begin_frame(out, MSG_${upper(name)});\n${steps.join('')}\tend_frame(out, frame);\n}\n`;
}

export function header(): string {
  const names = Object.keys(messages) as (keyof typeof messages)[];
  const enums = Object.values(constants).map(
    ({ prefix, values }) =>
      `enum { ${Object.entries(values)
        .map(([name, value]) => `${prefix}_${upper(name)} = ${value}`)
        .join(', ')} };\n`,
  );
  return [
    '/* Generated from src/link/messages.ts by scripts/gen-messages.ts. Not to be edited. */\n#ifndef MESSAGES_GEN_H\n#define MESSAGES_GEN_H\n',
    `enum { PROTOCOL_VERSION = ${protocolVersion}, MAX_FRAME = ${maxFrameBytes}, MAX_MEMO = ${maxMemoBytes} };\n`,
    '#include "wire.h"\n',
    `enum {\n${names.map((name) => `\tMSG_${upper(name)} = ${messages[name].type},\n`).join('')}};\n`,
    ...enums,
    ...names.map(struct),
    ...names.map((name) => (messages[name].from === 'init' ? encoder(name) : decoder(name))),
    '#endif\n',
  ].join('\n');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const directory = new URL('../build/gen/', import.meta.url);
  mkdirSync(directory, { recursive: true });
  const file = new URL('messages.gen.h', directory);
  const text = header();
  let old = '';
  try {
    old = readFileSync(file, 'utf8');
  } catch {} // absent: written now
  if (old !== text) writeFileSync(file, text);
}
