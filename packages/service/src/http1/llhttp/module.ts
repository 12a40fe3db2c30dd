import { hash } from "node:crypto";
import { createRequire } from "node:module";

/** A file of undici's that exports the bytes of a WebAssembly module, and what those bytes must be. */
export interface ModuleFile {
  readonly path: string;
  /** In hexadecimal. */
  readonly sha256: string;
}

/** llhttp 9 as undici 7.30.2 carries it, with and without instructions for vectors. */
export const SIMD_MODULE: ModuleFile = {
  path: "undici/lib/llhttp/llhttp_simd-wasm.js",
  sha256: "2434215e1f7fa0163f22ce895ddbeb83984fa0aa51e123164e053213e5aca028",
};
export const PLAIN_MODULE: ModuleFile = {
  path: "undici/lib/llhttp/llhttp-wasm.js",
  sha256: "57184a16144b5bc880e29105fa35d75c93dd318563e1b743e110de845e2ab661",
};

/** The parser that is installed is another one than the service was tested with. */
export class UnknownLlhttpError extends Error {
  override readonly name = "UnknownLlhttpError";
  readonly code = "HTTP1_UNKNOWN_PARSER";

  constructor({ path, sha256 }: ModuleFile, found: string) {
    super(`${path} must have the SHA-256 ${sha256}, not ${found}: install the packages of package-lock.json`);
  }
}

/**
 * Reads the bytes of a module. They are not a documented part of undici, and decide what is a message and what is not: another
 * version must be tested first.
 *
 * @throws {UnknownLlhttpError} if they are other bytes.
 */
export function loadModule(file: ModuleFile): Uint8Array {
  const bytes: unknown = createRequire(import.meta.url)(file.path);
  if (!(bytes instanceof Uint8Array)) throw new UnknownLlhttpError(file, "no bytes");
  const sha256 = hash("sha256", bytes);
  if (sha256 !== file.sha256) throw new UnknownLlhttpError(file, sha256);
  return bytes;
}

/** What llhttp calls. `at` is an address in the memory of the module. A return value other than 0 pauses or fails the parser. */
export interface LlhttpCallbacks {
  readonly wasm_on_message_begin: () => number;
  readonly wasm_on_url: (parser: number, at: number, length: number) => number;
  readonly wasm_on_status: (parser: number, at: number, length: number) => number;
  readonly wasm_on_header_field: (parser: number, at: number, length: number) => number;
  readonly wasm_on_header_value: (parser: number, at: number, length: number) => number;
  readonly wasm_on_body: (parser: number, at: number, length: number) => number;
  readonly wasm_on_headers_complete: (
    parser: number,
    status: number,
    upgrade: number,
    shouldKeepAlive: number,
  ) => number;
  readonly wasm_on_message_complete: () => number;
}

/** The functions of llhttp's interface in C that the service uses. Pointers are addresses in `memory`. */
export interface LlhttpExports {
  readonly memory: { readonly buffer: ArrayBuffer };
  malloc(bytes: number): number;
  llhttp_alloc(type: number): number;
  llhttp_free(parser: number): void;
  llhttp_reset(parser: number): void;
  llhttp_execute(parser: number, at: number, length: number): number;
  llhttp_resume(parser: number): void;
  llhttp_get_error_pos(parser: number): number;
  llhttp_get_error_reason(parser: number): number;
  llhttp_message_needs_eof(parser: number): number;
}

type Module = object;

/** The part of the JavaScript API of WebAssembly that is used here: the types of Node.js leave it to those of browsers. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => Module;
  readonly Instance: new (
    module: Module,
    imports: { readonly env: LlhttpCallbacks },
  ) => { readonly exports: LlhttpExports };
  readonly validate: (bytes: Uint8Array) => boolean;
};

/** Makes an instance, with instructions for vectors if the processor has them. @throws {UnknownLlhttpError} */
export function instantiate(callbacks: LlhttpCallbacks): LlhttpExports {
  const simd = loadModule(SIMD_MODULE);
  const bytes = WebAssembly.validate(simd) ? simd : loadModule(PLAIN_MODULE);
  return new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: callbacks }).exports;
}
