import { ANTHROPIC } from "./anthropic.ts";
import { ANY_HTTP } from "./any-http.ts";
import { DYNAMODB } from "./dynamodb.ts";
import { GITHUB } from "./github.ts";
import { LAMBDA } from "./lambda.ts";
import { MCP } from "./mcp.ts";
import { OPENAI } from "./openai.ts";
import type { Preset } from "./preset.ts";
import { S3 } from "./s3.ts";

/** Every preset by its name. */
export const PRESETS: ReadonlyMap<string, Preset> = new Map(
  [OPENAI, ANTHROPIC, GITHUB, S3, LAMBDA, DYNAMODB, MCP, ANY_HTTP].map((preset) => [preset.name, preset]),
);
