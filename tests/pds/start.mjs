// Starts a PLC directory and a PDS on loopback for the end-to-end tests.
//
//   node start.mjs DATA_FOLDER        (PLC_PORT, PDS_PORT: fixed ports instead of free ones)
//
// DATA_FOLDER must be new for every run: the directory lives in memory only, so accounts of an
// earlier run would have identities that nobody knows. When both servers answer, one line of JSON
// with their addresses goes to stdout. The parent's end of stdin is the leash: when it closes,
// whatever became of the parent, both servers stop. So does SIGTERM.

import { randomBytes } from 'node:crypto'
import { mkdir, readdir } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join, resolve } from 'node:path'
import { PDS, envToCfg, envToSecrets } from '@atproto/pds'
import plcPackage from '@did-plc/server'

const LOOPBACK = '127.0.0.1'
const STOP_LIMIT_MS = 5_000

const { Database, PlcServer } = plcPackage

/** The data folder from the command line, made if it is missing and refused if it holds anything. */
async function dataFolder() {
  if (!process.argv[2]) throw new Error('usage: node start.mjs DATA_FOLDER')
  const folder = resolve(process.argv[2])
  await mkdir(folder, { recursive: true })
  if ((await readdir(folder)).length > 0) throw new Error(`data folder is not empty: ${folder}`)
  return folder
}

/** The port asked for, or one that the system says is free: the PDS must know its own beforehand. */
async function portFrom(variable) {
  if (process.env[variable]) return Number(process.env[variable])
  const probe = createServer()
  await new Promise((done, fail) => probe.once('error', fail).listen(0, LOOPBACK, done))
  const { port } = probe.address()
  await new Promise((done) => probe.close(done))
  return port
}

/** Both packages listen on every interface; accounts without a captcha belong on loopback alone. */
async function startOnLoopback(service) {
  const listen = service.app.listen.bind(service.app)
  service.app.listen = (port, ...rest) => listen(port, LOOPBACK, ...rest)
  await service.start()
}

function pdsSettings(data, port, plcUrl) {
  return {
    port,
    hostname: 'localhost',
    devMode: true,
    disableSsrfProtection: true,
    inviteRequired: false,
    serviceHandleDomains: ['.test'],
    didPlcUrl: plcUrl,
    dataDirectory: data,
    blobstoreDiskLocation: join(data, 'blobs'),
    jwtSecret: randomBytes(32).toString('hex'),
    dpopSecret: randomBytes(32).toString('hex'),
    adminPassword: randomBytes(16).toString('hex'),
    plcRotationKeyK256PrivateKeyHex: randomBytes(32).toString('hex'),
  }
}

const data = await dataFolder()
const plcPort = await portFrom('PLC_PORT')
const pdsPort = await portFrom('PDS_PORT')
const plcUrl = `http://${LOOPBACK}:${plcPort}`

const plc = PlcServer.create({ db: Database.mock(), port: plcPort })
await startOnLoopback(plc)
const settings = pdsSettings(data, pdsPort, plcUrl)
const pds = await PDS.create(envToCfg(settings), envToSecrets(settings))
await startOnLoopback(pds)

let stopping = false
async function stop() {
  if (stopping) return
  stopping = true
  setTimeout(() => process.exit(1), STOP_LIMIT_MS).unref()
  await pds.destroy()
  await plc.destroy()
  process.exit(0)
}
process.on('SIGTERM', stop).on('SIGINT', stop)
process.stdin.on('end', stop).on('close', stop).on('error', stop).resume()

console.log(JSON.stringify({ plc: plcUrl, pds: `http://${LOOPBACK}:${pdsPort}` }))
