// stacks: the stacks of rows of call sites, from the tables that reports/formats/page_parts.cpp writes.

export interface Frame {
  name: string;
  source: string;
  inlined: boolean;
  plumbing: boolean; // the allocator's own
}

export interface StackTables {
  frames: {name: string[]; source: string[]; inlined: number[]};
  stacks: {parent: number[]; frame: number[]};
}

export interface StackColumns {
  alone: number; // rows of one call site; each of those behind stands for `members`
  members: number[];
  stack: number[]; // node of the innermost frame, -1: none
  plumbing?: number[]; // innermost frames that are the allocator's
  cut: number[];
}

export class Stacks {
  constructor(private readonly tables: StackTables, private readonly columns: StackColumns) {}

  isCut(row: number): boolean {
    return this.columns.cut[row] === 1;
  }

  // Innermost first.
  stack(row: number): Frame[] {
    const {stacks} = this.tables;
    const plumbing = this.columns.plumbing?.[row] ?? 0;
    const result: Frame[] = [];
    for (let node = this.columns.stack[row]; node >= 0; node = stacks.parent[node])
      result.push(this.frame(node, result.length < plumbing));
    return result;
  }

  // Who answers for the block.
  answering(row: number): Frame {
    const {alone, members} = this.columns;
    if (row >= alone) return {name: `(${members[row - alone]} smaller call sites)`, source: '', inlined: false,
      plumbing: false};
    let node = this.columns.stack[row];
    for (let skip = this.columns.plumbing?.[row] ?? 0; skip > 0 && node >= 0; --skip)
      node = this.tables.stacks.parent[node];
    if (node < 0) return {name: '(no stack)', source: '', inlined: false, plumbing: false};
    return this.frame(node, false);
  }

  private frame(node: number, plumbing: boolean): Frame {
    const {frames, stacks} = this.tables;
    const frame = stacks.frame[node];
    return {name: frames.name[frame], source: frames.source[frame], inlined: frames.inlined[frame] === 1, plumbing};
  }
}
