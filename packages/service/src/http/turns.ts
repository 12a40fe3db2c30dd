import type { Socket } from "node:net";

/** Does something when its turn has come. */
export interface Turns {
  /** @param isLast asked when it has ended: whether nothing more is to be done for the connection. */
  (socket: Socket, act: () => Promise<void>, isLast?: () => boolean): Promise<void>;
  /** Resolves once no turn is under way and none is waited for. */
  allOver(): Promise<void>;
}

/** What stands on one connection. */
interface Line {
  /** The end of the latest turn, until it has come. */
  latest: Promise<void> | undefined;
  isOver: boolean;
}

/**
 * One request after the other on each connection. Node hands over pipelined requests all at once, and one connection
 * could have hundreds under way whose answers nobody can read yet.
 *
 * @param failed told of a turn that failed; whoever comes next on the connection has its turn all the same.
 */
export function createTurns(failed: (error: unknown, socket: Socket) => void = () => undefined): Turns {
  const lines = new WeakMap<Socket, Line>();
  let underWay = 0;
  let over = (): void => undefined;

  const lineOf = (socket: Socket): Line => {
    const known = lines.get(socket);
    if (known !== undefined) return known;
    const line = { latest: undefined, isOver: false };
    lines.set(socket, line);
    return line;
  };
  const inTurn = (socket: Socket, act: () => Promise<void>, isLast = no): Promise<void> => {
    const line = lineOf(socket);
    const attempt = (): Promise<void> => (line.isOver || socket.destroyed ? NOTHING : act());
    const turn = line.latest === undefined ? attempt() : line.latest.then(attempt);
    underWay += 1;
    const end = (): void => {
      if (line.latest === ended) line.latest = undefined;
      if (isLast()) line.isOver = true;
      underWay -= 1;
      if (underWay === 0) over();
    };
    const ended = turn.then(end, (error: unknown) => {
      end();
      failed(error, socket);
    });
    line.latest = ended;
    return turn;
  };
  const allOver = (): Promise<void> =>
    new Promise((resolve) => {
      over = resolve;
      if (underWay === 0) resolve();
    });
  return Object.assign(inTurn, { allOver });
}

const NOTHING = Promise.resolve();

function no(): boolean {
  return false;
}
