/** What each file imports, types included; all paths are relative to the root of the project. */
export type Imports = ReadonlyMap<string, readonly string[]>;

/** Files and folders of one folder that need each other in a circle. */
export interface Circle {
  /** The folder that holds them; "" is the root. */
  readonly folder: string;
  readonly members: readonly string[];
  /** One import for each step between two members, as `from → to`. */
  readonly imports: readonly string[];
}

/**
 * Every circle in the house. Each folder is looked at by itself: its files and its subfolders are nodes, and an import
 * leads from the one that holds the importing file to the one that holds the imported file. So a folder is a room, rooms
 * within it are rooms of that room, and a circle of files is found in the folder that holds them all.
 */
export function findCircles(imports: Imports): Circle[] {
  const circles: Circle[] = [];
  for (const [folder, steps] of stepsByFolder(imports)) {
    for (const members of groupsThatNeedEachOther(steps)) {
      const among = [...members].flatMap((from) =>
        [...steps.get(from) ?? []].filter(([to]) => members.has(to)).map(([, example]) => example)
      );
      circles.push({ folder, members: [...members].sort(), imports: among });
    }
  }
  return circles;
}

/** From each node to those that it needs, with one import as the example. */
type Steps = Map<string, Map<string, string>>;

function stepsByFolder(imports: Imports): Map<string, Steps> {
  const folders = new Map<string, Steps>();
  for (const [from, targets] of imports) {
    for (const to of targets) {
      if (from === to) continue;
      const { folder, nodes: [fromNode, toNode] } = whereTheyPart(from, to);
      const steps = folders.getOrInsertComputed(folder, () => new Map());
      const needed = steps.getOrInsertComputed(fromNode, () => new Map());
      needed.getOrInsert(toNode, `${from} → ${to}`);
    }
  }
  return folders;
}

/** The innermost folder that holds both files, and the file or subfolder in it that leads to each of them. */
function whereTheyPart(from: string, to: string) {
  const fromParts = from.split("/");
  const toParts = to.split("/");
  const shared = fromParts.findIndex((part, index) => part !== toParts[index]);
  const nodes = [fromParts[shared] ?? "", toParts[shared] ?? ""] as const;
  return { folder: fromParts.slice(0, shared).join("/"), nodes };
}

/** The strongly connected components with more than one node (Tarjan 1972). */
function groupsThatNeedEachOther(steps: Steps): Set<string>[] {
  const groups: Set<string>[] = [];
  const order = new Map<string, number>();
  const open: string[] = [];

  /** Returns the earliest node that can be reached back to from here. */
  function visit(node: string): number {
    const index = order.size;
    order.set(node, index);
    open.push(node);
    let earliest = index;
    for (const next of steps.get(node)?.keys() ?? []) {
      const seen = order.get(next);
      if (seen === undefined) earliest = Math.min(earliest, visit(next));
      else if (open.includes(next)) earliest = Math.min(earliest, seen);
    }
    if (earliest === index) {
      const group = open.splice(open.indexOf(node));
      if (group.length > 1) groups.push(new Set(group));
    }
    return earliest;
  }

  for (const node of steps.keys()) if (!order.has(node)) visit(node);
  return groups;
}
