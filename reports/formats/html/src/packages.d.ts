// The packages that bring no types of their own: as much of them as is used here.
declare module 'd3-selection' {
  export interface Selection {
    datum(data: unknown): Selection;
    call(action: (selection: Selection) => void): Selection;
  }
  export function select(element: Element): Selection;
}

declare module 'd3-flame-graph' {
  import type {Selection} from 'd3-selection';

  export interface FlameNode<Data> {
    data: Data;
    value: number;
    parent: FlameNode<Data> | null;
    children?: FlameNode<Data>[];
    depth: number;
    highlight?: boolean;
  }

  export interface FlameGraph<Data> {
    (selection: Selection): void;
    width(pixels: number): FlameGraph<Data>;
    cellHeight(pixels: number): FlameGraph<Data>;
    inverted(on: boolean): FlameGraph<Data>;
    transitionDuration(milliseconds: number): FlameGraph<Data>;
    resetHeightOnZoom(on: boolean): FlameGraph<Data>;
    minFrameSize(pixels: number): FlameGraph<Data>;
    label(text: (node: FlameNode<Data>) => string): FlameGraph<Data>;
    setColorMapper(colour: (node: FlameNode<Data>, original: string) => string): FlameGraph<Data>;
    onClick(action: (node: FlameNode<Data>) => void): FlameGraph<Data>;
    onHover(action: (node: FlameNode<Data>) => void): FlameGraph<Data>;
    update(data?: Data): FlameGraph<Data>;
  }

  export default function flamegraph<Data>(): FlameGraph<Data>;
}
