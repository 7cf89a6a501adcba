/** What is written about each notable fact: what happened, why, and what to do where there is something to do. Pure. */
import type { Note, RuleNote } from '../core/notes.ts';
import type { Line, Names, RuleLine, ServiceLine, ServiceNote } from './line.ts';
import { ruleLines } from './rule-lines.ts';
import { serviceLines } from './service-lines.ts';

export type { Level, Line, LogFields, Names } from './line.ts';

export function lineOf(note: Note, names: Names): Line {
  if ('rule' in note) {
    const line = (ruleLines[note.kind] as RuleLine<RuleNote['kind']>)(note, note.rule, names);
    return { ...line, fields: { event: note.kind, rule: note.rule, ...line.fields } };
  }
  const line = (serviceLines[note.kind] as ServiceLine<ServiceNote['kind']>)(note, names);
  return { ...line, fields: { event: note.kind, ...line.fields } };
}
