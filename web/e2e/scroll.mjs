// Scrolls a list of 10,000 rows in Chromium over the test double and prints main-thread CPU per frame.
// CPU, not frames per second: frames depend on the machine's load, the work of a frame does not.
//   node e2e/scroll.mjs [--check]
import { launch, watchedPage } from './browser.mjs'
import { start } from './double/server.mjs'

const FRAMES = 300
const STEP_PX = 220
const MOST_CPU_MS = 12
const MOST_ROWS = 90

const double = await start()
const browser = await launch()
const { page, troubles } = await watchedPage(browser, { origin: double.url })
await page.goto(`${double.url}/c/cl_prod/k/Pod`)
await page.waitForSelector('[role=row] a')

// All pages first: the measurement is about drawing, not about fetching.
await page.focus('[role=grid]')
await page.keyboard.press('End')
await page.waitForFunction(
  () =>
    document.querySelector('[role=grid]')?.textContent?.includes('9,999') ||
    !document.querySelector('[class*=waiting]'),
  null,
  { timeout: 60_000 },
)
await page.waitForTimeout(1500)
await page.keyboard.press('Home')
await page.waitForTimeout(500)

const session = await page.context().newCDPSession(page)
await session.send('Performance.enable', { timeDomain: 'threadTicks' })
const metrics = async () =>
  Object.fromEntries(
    (await session.send('Performance.getMetrics')).metrics.map(({ name, value }) => [name, value]),
  )

const before = await metrics()
const started = Date.now()
const rows = await page.evaluate(
  async ([frames, step]) => {
    const grid = document.querySelector('[role=grid]')
    let most = 0
    for (let frame = 0; frame < frames; frame += 1) {
      grid.scrollTop += step
      await new Promise(requestAnimationFrame)
      most = Math.max(most, grid.querySelectorAll('[role=row]').length)
    }
    return most
  },
  [FRAMES, STEP_PX],
)
const wall = Date.now() - started
const after = await metrics()
const per = (name) => (1000 * (after[name] - before[name])) / FRAMES
const cpu = per('TaskDuration')

console.log(`rows in the document   ${rows}`)
console.log(`CPU per frame          ${cpu.toFixed(1)} ms (bar ${MOST_CPU_MS})`)
console.log(`  script               ${per('ScriptDuration').toFixed(1)} ms`)
console.log(`  layout               ${per('LayoutDuration').toFixed(1)} ms`)
console.log(`  style                ${per('RecalcStyleDuration').toFixed(1)} ms`)
console.log(`wall                   ${((1000 * FRAMES) / wall).toFixed(0)} frames per second`)
console.log(`heap                   ${(after.JSHeapUsedSize / 1e6).toFixed(0)} MB`)
await browser.close()
double.stop()

const failures = [
  cpu > MOST_CPU_MS && process.argv.includes('--check') && `CPU per frame ${cpu.toFixed(1)} ms`,
  (rows < 15 || rows > MOST_ROWS) && `${rows} rows in the document`,
  troubles.length > 0 && troubles.join('\n'),
].filter(Boolean)
failures.forEach((failure) => console.error(`FAILED: ${failure}`))
process.exit(failures.length ? 1 : 0)
