// node client.ts ws://localhost:2510 KEY PROJECTION [LAST]: prints every state of a projection as it
// changes, and goes on where it stood whenever the connection is lost. Node 24 runs it as it stands;
// older ones what `tsc` makes of it, Node 20 with --experimental-websocket.

interface StateChanged {
  type: "projection.state_changed";
  sequence: number;
  aggregateId: string;
  version: number;
  state: unknown;
}

interface Outdated {
  type: "subscription.outdated";
  afterSequence: number;
  nextSequence: number;
}

const [server, key, projection, first = "0"] = process.argv.slice(2);
if (!server || !key || !projection) {
  console.error("usage: client.ts ws://HOST KEY PROJECTION [LAST]");
  process.exit(2);
}
// Browsers cannot set headers; Node can.
const headers = { "X-API-Key": key };

// Keep this number beside what you make of the states, and nothing is missed or taken twice.
let last = Number(first);

function take(told: StateChanged | Outdated): void {
  if (told.type === "subscription.outdated") {
    return console.error(`${told.afterSequence + 1} to ${told.nextSequence - 1} are no longer kept`);
  }
  console.log(told.aggregateId, JSON.stringify(told.state));
  last = told.sequence;
}

function follow(): void {
  const url = `${server}/projections/${projection}/subscribe?afterSequence=${last}`;
  const socket = new WebSocket(url, { headers });
  socket.onmessage = ({ data }) => take(JSON.parse(data));
  let ended = false;
  const again = (why: string): void => {
    if (ended) return;
    ended = true;
    console.error(`after ${last}: ${why || "the connection was lost"}; again in a second`);
    setTimeout(follow, 1000);
  };
  // Of a connection that is refused some versions of Node tell by `error` alone.
  socket.onerror = () => again("");
  socket.onclose = ({ reason }) => again(reason);
}

follow();
