// An S3-compatible store on a free port of loopback, with one bucket. Writes one line of JSON once it
// answers, and ends when its standard input does.

import S3rver from "s3rver";

const [folder, bucket] = process.argv.slice(2);
const store = new S3rver({
  address: "127.0.0.1",
  port: 0,
  silent: true,
  directory: folder,
  configureBuckets: [{ name: bucket }],
});
const { port } = await store.run();
console.log(JSON.stringify({ url: `http://127.0.0.1:${port}` }));

process.stdin.resume();
process.stdin.on("end", async () => {
  await store.close();
  process.exit(0);
});
