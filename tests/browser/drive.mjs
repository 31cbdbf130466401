// Drives one headless Chromium for a test: a line of JSON on stdin is a command, a line of JSON on
// stdout is its outcome, {"value"} or {"error"}. It ends when stdin closes.
//
//   node drive.mjs PROFILE_FOLDER        (CHROMIUM: the browser, /usr/bin/chromium if absent)

import { createInterface } from 'node:readline'
import { chromium } from 'playwright-core'

const PATIENCE_MS = 30_000
const CLOSING_MS = 5_000

// Nothing but what the test asks for: no updates, no reports, no first-run pages.
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

const profile = process.argv[2]
if (!profile) throw new Error('usage: node drive.mjs PROFILE_FOLDER')
const context = await chromium.launchPersistentContext(profile, {
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: FLAGS,
  locale: 'en-US',
})
context.setDefaultTimeout(PATIENCE_MS)
const page = context.pages()[0] ?? (await context.newPage())

const commands = {
  goto: async ({ url }) => (await page.goto(url))?.status(),
  fill: ({ label, text }) =>
    page.getByLabel(label, { exact: true }).and(page.locator('input')).fill(text),
  click: ({ button }) => page.getByRole('button', { name: button, exact: true }).click(),
  arrive: ({ at }) => page.waitForURL((url) => url.href.startsWith(at)),
  text: () => page.locator('body').innerText(),
  cookies: () => context.cookies(),
}

// Whatever Chromium is doing when the test ends, it does not outlive it for long.
process.stdin.on('end', () => setTimeout(() => process.exit(1), CLOSING_MS).unref())

const say = (outcome) => process.stdout.write(JSON.stringify(outcome) + '\n')
say({ value: 'ready' })
for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...rest } = JSON.parse(line)
  try {
    say({ value: (await commands[command](rest)) ?? null })
  } catch (error) {
    const seen = await page.locator('body').innerText().catch(() => '')
    say({ error: `${error.message}\nat ${page.url()}:\n${seen}` })
  }
}
await context.close()
