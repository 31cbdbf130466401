// node client.ts ws://localhost:2510 KEY PROJECTION [LAST]: prints every state of a projection as it
// changes, and goes on where it stood whenever the connection is lost. Node 24 runs it as it stands.

interface Notification {
  type: string;
  sequence: number;
  aggregateId: string;
  version: number;
  state: unknown;
}

const [server, key, projection, first = "0"] = process.argv.slice(2);
if (!server || !key || !projection) {
  console.error("usage: client.ts ws://HOST KEY PROJECTION [LAST]");
  process.exit(2);
}

// Keep this number beside what you make of the states, and nothing is missed or taken twice.
let last = Number(first);

function follow(): void {
  const url = `${server}/projections/${projection}/subscribe?afterSequence=${last}`;
  // Browsers cannot set headers; Node can.
  const socket = new WebSocket(url, { headers: { "X-API-Key": key } } as unknown as string[]);
  socket.onmessage = ({ data }) => {
    const told = JSON.parse(data) as Notification;
    if (told.type !== "projection.state_changed") {
      return console.error("some are no longer kept:", data);
    }
    console.log(told.aggregateId, JSON.stringify(told.state));
    last = told.sequence;
  };
  socket.onclose = ({ reason }) => {
    console.error(`after ${last}: ${reason || "the connection was lost"}; again in a second`);
    setTimeout(follow, 1000);
  };
}

follow();
