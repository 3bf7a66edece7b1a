// Chromium as the tests use it: headless, quiet, and nothing fetched from anywhere but the page under test.
import { chromium } from 'playwright-core'

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

/** Launches the system's Chromium; `CHROMIUM` names another one. */
export function launch() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS })
}

/** A recording goes straight to the object store, to the presigned address that the API gave. */
function isUpload(request) {
  return (
    ['PUT', 'OPTIONS'].includes(request.method()) &&
    new URL(request.url()).searchParams.has('X-Amz-Signature')
  )
}

/** A page that collects every console error, page error and foreign request into `troubles`. */
export async function watchedPage(browser, { theme = 'dark', width = 1440, height = 900, origin } = {}) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme })
  const page = await context.newPage()
  const troubles = []
  page.on('console', (message) => {
    if (message.type() === 'error') troubles.push(`console: ${message.text()} ${message.location().url}`)
  })
  page.on('pageerror', (error) => troubles.push(`page: ${error.message}`))
  page.on('request', (request) => {
    const { protocol, host } = new URL(request.url())
    if (origin && protocol.startsWith('http') && host !== new URL(origin).host && !isUpload(request)) {
      troubles.push(`foreign request: ${request.url()}`)
    }
  })
  return { context, page, troubles }
}
