import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ProcessResult } from "./run.ts";
import { run } from "./run.ts";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

/** A name that an entry point exports, and the code of its `@example`. */
export interface ExportedName {
  readonly name: string;
  /** `undefined` when its docstring has none. */
  readonly example: string | undefined;
}

/** Lists the names that an entry point exports from files of its package. */
export async function listExports(entry: string): Promise<readonly ExportedName[]> {
  const source = await readFile(join(ROOT, entry), "utf8");
  const exports: ExportedName[] = [];
  for (const [, names = "", path] of source.matchAll(
    /^export (?:type )?\{([^}]*)\}(?: from "([^"]+)")?;/gm,
  )) {
    if (path !== undefined && !path.startsWith(".")) continue;
    const text = path === undefined ? source : await readFile(join(ROOT, dirname(entry), path), "utf8");
    for (const part of names.split(",").map((each) => each.trim())) {
      const [, local = "", name = local] = /^(?:type )?(\w+)(?: as (\w+))?$/.exec(part) ?? [];
      if (local !== "") exports.push({ name, example: findExample(text, local) });
    }
  }
  for (const [, name = ""] of source.matchAll(/^export (?:const|function|class|interface|type) (\w+)/gm)) {
    if (!exports.some((each) => each.name === name))
      exports.push({ name, example: findExample(source, name) });
  }
  return exports;
}

/** Finds the code of the `@example` in the docstring before a declaration. */
function findExample(source: string, name: string): string | undefined {
  const declaration = new RegExp(
    String.raw`\n \*/\n(?:export )?(?:async )?(?:const|function|class|interface|type) ${name}\b`,
  );
  const end = declaration.exec(`\n${source}`)?.index;
  if (end === undefined) return undefined;
  const before = `\n${source}`.slice(0, end);
  const docstring = before.slice(before.lastIndexOf("\n/**"));
  const [, code] = /\n \* @example\n([^]*?)(?=\n \* @|$)/.exec(docstring) ?? [];
  return code?.replace(/^ \* ?/gm, "");
}

/**
 * Compiles each example with the names of the package that it mentions, then runs all in one process. `value; // => other`
 * asserts that the two are deeply equal.
 *
 * @param folder folder of the package, from the root.
 * @param entries exported names by the specifier that they are imported from.
 * @param prelude declarations for every example.
 */
export async function runExamples(
  folder: string,
  entries: ReadonlyMap<string, readonly ExportedName[]>,
  prelude: string,
  env: Readonly<Record<string, string>> = {},
): Promise<ProcessResult> {
  // In this directory the package can be imported by its name, and version control ignores it.
  await mkdir(join(ROOT, folder, "dist"), { recursive: true });
  const directory = await mkdtemp(join(ROOT, folder, "dist", "examples-"));
  try {
    const files: string[] = [];
    for (const exports of entries.values()) {
      for (const { name, example = "" } of exports) {
        // Names have a number, since `Ok` and `ok` are the same file where the file system ignores case.
        const file = `${files.length}_${name}.ts`;
        files.push(file);
        await writeFile(join(directory, file), program(example, entries, prelude));
      }
    }
    await writeFile(join(directory, "tsconfig.json"), JSON.stringify({ compilerOptions: COMPILER, files }));
    const imports = files.map((file) => `await import("./${file.replace(/ts$/, "js")}");`);
    await writeFile(join(directory, "all.mjs"), imports.join("\n"));
    const compiled = await run(process.execPath, [TSC, "-p", directory], { cwd: directory, env: {} });
    if (compiled.code !== 0) return compiled;
    return await run(process.execPath, [join(directory, "all.mjs")], {
      cwd: directory,
      env: { PATH: process.env["PATH"] ?? "", ...env },
    });
  } finally {
    await rm(directory, { recursive: true });
  }
}

const TSC = join(ROOT, "node_modules/typescript/bin/tsc");

const COMPILER = {
  target: "es2023",
  lib: ["es2023", "dom"],
  module: "nodenext",
  strict: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: true,
  types: ["node"],
};

function program(
  example: string,
  entries: ReadonlyMap<string, readonly ExportedName[]>,
  prelude: string,
): string {
  const imports = Array.from(entries, ([specifier, exports]) => {
    const mentioned = exports
      .map(({ name }) => name)
      .filter((name) => name !== "default" && new RegExp(String.raw`(?<![\w.])${name}\b`).test(example));
    return `import { ${[...new Set(mentioned)].join(", ")} } from "${specifier}";`;
  });
  const checked = example.replace(/^(.+); \/\/ => (.+)$/gm, "assert.deepEqual($1, $2);");
  return [`import assert from "node:assert/strict";`, ...imports, prelude, checked, "export {};"].join("\n");
}
