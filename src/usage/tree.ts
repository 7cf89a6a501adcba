import { allStats, type Child } from '../probe/processes.ts';

/** A process and its descendants that live, by pid. What has left the tree (its parent has ended) belongs to init, and is not in it. */
export async function treeOf(root: number): Promise<readonly Child[]> {
  const children = new Map<number, Child[]>();
  let first: Child | undefined;
  for await (const member of allStats()) {
    if (member.pid === root) first = member;
    const siblings = children.get(member.parent);
    if (siblings) siblings.push(member);
    else children.set(member.parent, [member]);
  }
  const tree = first ? [first] : [];
  // Grows as it is walked. A number that was given again meanwhile could make a ring: nobody is visited twice.
  const seen = new Set([root]);
  for (const { pid } of tree) {
    for (const child of children.get(pid) ?? []) {
      if (seen.has(child.pid)) continue;
      seen.add(child.pid);
      tree.push(child);
    }
  }
  return tree;
}
