// node client.ts ws://localhost:2510 KEY PROJECTION [LAST]: prints every notification of a projection as
// it comes, and goes on where it stood whenever the connection is lost, until the key or the projection is no
// more. Node 24 runs it as it stands.

const [server, key, projection, first = "0"] = process.argv.slice(2);
if (!server || !key || !projection) {
  console.error("usage: client.ts ws://HOST KEY PROJECTION [LAST]");
  process.exit(2);
}
// Browsers cannot set headers; Node can.
const headers = { "X-API-Key": key };

// Keep this number beside what you make of the states, and nothing is missed or taken twice.
let last = Number(first);

function take(text: string): void {
  console.log(text);
  // A message without a number says that some notifications are no longer kept.
  const { sequence = last }: { sequence?: number } = JSON.parse(text);
  last = sequence;
}

// Of a refused WebSocket nobody is told the reason, so it is asked for first.
async function ended(): Promise<string | undefined> {
  const url = `${server.replace("ws", "http")}/projections/${projection}`;
  const answer = await fetch(url, { headers }).catch(() => undefined);
  return answer && [401, 403, 404].includes(answer.status) ? answer.text() : undefined;
}

async function follow(): Promise<void> {
  const end = await ended();
  if (end !== undefined) {
    console.error(`ended after ${last}: ${end}`);
    process.exit(1);
  }
  const url = `${server}/projections/${projection}/subscribe?afterSequence=${last}`;
  const socket = new WebSocket(url, { headers });
  let lost = false;
  const again = (why: string): void => {
    if (lost) return;
    lost = true;
    console.error(`after ${last}: ${why || "the connection was lost"}; again in a second`);
    setTimeout(follow, 1000);
  };
  socket.onmessage = ({ data }) => take(data);
  // Of a connection that is refused some versions of Node tell by `error` alone.
  socket.onerror = () => again("");
  socket.onclose = ({ reason }) => again(reason);
}

follow();
