// One attack on a service, in a separate process that the bench ends. Reads {name, port, given} as JSON from the variable ATTACK,
// prints its port once it has begun, and responds there with its counts.
import { createServer } from "node:http";
import { constants, setPriority } from "node:os";
import { attackNamed } from "./attacks.js";
import { createClient } from "./client.js";

// A real attacker has another machine, so this process must not take CPU time from the service and the other tenant.
setPriority(constants.priority.PRIORITY_LOW);

/** @type {{ name: string, port: number, given: import("./attacks.js").Given }} */
const { name, port, given } = JSON.parse(process.env["ATTACK"] ?? "{}");
const client = createClient(port);
attackNamed(name).act(client, given);
const counts = createServer((_request, response) => response.end(JSON.stringify(client.counts())));
counts.listen(0, "127.0.0.1", () => console.log(JSON.stringify(counts.address())));
