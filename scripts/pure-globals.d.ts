/**
 * The few globals of the ECMAScript hosts that pure rooms may use.
 * Not here: anything of Node or of a browser; that is the point of tsconfig.pure.json.
 */
interface AbortSignal {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: "abort", listener: () => void, options?: { once?: boolean }): void;
  removeEventListener(type: "abort", listener: () => void): void;
  throwIfAborted(): void;
}
declare class TextEncoder {
  encode(text: string): Uint8Array<ArrayBuffer>;
}
declare class TextDecoder {
  constructor(label?: string, options?: { fatal?: boolean; ignoreBOM?: boolean });
  decode(bytes: Uint8Array): string;
}
/** Base64 of a text whose characters are bytes. */
declare function btoa(bytes: string): string;
