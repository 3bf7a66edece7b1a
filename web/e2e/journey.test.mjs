// A person's way through the product, in a real browser against the real service:
//   KUBILITICS_URL=http://127.0.0.1:8000 RECORDING=incidents.tar.xz FOLDER=unpacked/ node --test e2e/journey.test.mjs
// Every step also keeps a list of console errors, page errors and foreign requests, which must stay empty.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { audit } from './audit.mjs'
import { launch, watchedPage } from './browser.mjs'

const url = required('KUBILITICS_URL')
const recording = required('RECORDING')
const folder = required('FOLDER')
const problems = Number(required('PROBLEMS'))

const WAIT_MS = 45_000

let browser
let page
let troubles
let home
let investigation

function required(name) {
  const value = process.env[name]
  assert.ok(value, `${name} is not set`)
  return value
}

before(async () => {
  browser = await launch()
  ;({ page, troubles } = await watchedPage(browser, { theme: 'dark', origin: url }))
  page.setDefaultTimeout(WAIT_MS)
})

after(() => browser?.close())

const clean = () => assert.deepEqual(troubles, [], 'console errors, page errors or foreign requests')
const theme = () => page.evaluate(() => document.documentElement.dataset.theme)

/** Waits until the current page has its data: no skeletons, no running requests for it. */
async function settled() {
  await page.waitForLoadState('domcontentloaded')
  await page.waitForFunction(() => !document.querySelector('main [role=status][aria-label^=Loading]'))
  await page.waitForTimeout(150)
}

async function connect(name, choose) {
  await page.getByRole('button', { name: 'Add a cluster' }).first().click()
  await page.getByRole('tab', { name: 'Recorded cluster' }).click()
  await choose()
  await page.getByRole('textbox', { name: 'Name' }).fill(name)
  await page.getByRole('button', { name: 'Connect' }).click()
  await page.getByText('Reachable', { exact: true }).waitFor()
  await page.getByRole('button', { name: `Open ${name}` }).click()
  await page.getByRole('heading', { name, level: 1 }).waitFor()
}

describe('from nothing to an evidenced answer', { concurrency: false }, () => {
  test('an empty product says what to do', async () => {
    await page.goto(url)
    await page.getByRole('heading', { name: 'Connect a cluster' }).waitFor()
    assert.deepEqual(await audit(page, 'welcome'), [])
    clean()
  })

  test('a bad kubeconfig is refused with a remedy', async () => {
    await page.getByRole('button', { name: 'Add a cluster' }).click()
    await page.getByRole('textbox', { name: 'Kubeconfig' }).fill('this is not a kubeconfig')
    await page.getByRole('button', { name: 'Connect' }).click()
    const notice = page.getByRole('alert')
    await notice.waitFor()
    assert.match(await notice.textContent(), /HTTP 4\d\d/)
    await page.getByRole('button', { name: 'Close' }).click()
    // The browser itself logs a refused request; that one was meant.
    assert.equal(troubles.length, 1)
    assert.match(troubles.pop(), /status of 4\d\d/)
  })

  test('a dropped archive is uploaded, checked and read', async () => {
    await connect('incidents', () => page.getByLabel('Choose an archive').setInputFiles(recording))
    home = page.url().split('?')[0]
    clean()
  })

  test('the overview begins with what is wrong', async () => {
    await page.getByRole('heading', { name: 'What is wrong' }).waitFor()
    await page.getByRole('link', { name: `All ${problems} problems` }).waitFor()
    assert.ok((await page.getByRole('article').count()) >= 3)
    assert.deepEqual(await audit(page, 'overview dark'), [])
  })

  test('every problem is listed, and one shows its chain, remedy and evidence', async () => {
    await page.getByRole('link', { name: `All ${problems} problems` }).click()
    const list = page.getByRole('list', { name: `${problems} problems` })
    await list.waitFor()
    assert.equal(await list.getByRole('button').count(), problems)
    await list.getByRole('button').first().click()
    const detail = page.getByRole('complementary', { name: 'Problem' })
    await detail.getByRole('heading', { name: 'What to do' }).waitFor()
    await detail.getByRole('heading', { name: 'Evidence' }).waitFor()
    clean()
  })

  test('the assistant answers "what is wrong?" over the socket and cites evidence that opens', async () => {
    await page.goto(home)
    await settled()
    const socket = page.waitForEvent('websocket')
    await page.keyboard.press('Control+k')
    await page.getByRole('combobox', { name: /Ask the assistant/ }).fill('what is wrong?')
    await page.keyboard.press('Enter')
    const { url: address } = { url: (await socket).url() }
    assert.match(address, /\/ws$/)
    const log = page.getByRole('log', { name: 'Conversation' })
    await log.getByText(`${problems} problems`).first().waitFor()
    await page.waitForFunction(
      () => document.querySelector('[role=log]')?.getAttribute('aria-busy') === 'false',
    )
    assert.deepEqual(await audit(page, 'assistant dark'), [])

    await log
      .getByRole('link', { name: /^Evidence 1/ })
      .first()
      .click()
    const evidence = page.getByRole('complementary', { name: 'Evidence' })
    await evidence.getByText('Type', { exact: true }).waitFor()
    assert.match(page.url(), /evidence=ev_[a-z2-7]{26}/)
    assert.deepEqual(await audit(page, 'evidence dark'), [])
    await page.keyboard.press('Escape')
    await evidence.waitFor({ state: 'detached' })
    clean()
  })

  test('a problem is investigated: steps, hypotheses with evidence, a conclusion', async () => {
    await page.goto(`${home}/problems`)
    await settled()
    await page
      .getByRole('list', { name: `${problems} problems` })
      .getByRole('button', { name: /checkout/ })
      .click()
    const socket = page.waitForEvent('websocket')
    await page
      .getByRole('complementary', { name: 'Problem' })
      .getByRole('button', { name: 'Investigate' })
      .click()
    await page.getByRole('heading', { level: 1, name: /checkout/ }).waitFor()
    assert.match((await socket).url(), /\/ws$/)
    await page.getByRole('heading', { name: 'Conclusion' }).waitFor()
    investigation = page.url()
    assert.match(investigation, /\/investigations\/iv_[a-z2-7]{26}$/)
    const steps = page.getByRole('list', { name: 'Steps' })
    await steps.getByText('Compare with past incidents').waitFor()
    const numbers = await steps
      .getByRole('listitem')
      .evaluateAll((all) => all.map((one) => parseInt(one.textContent)))
    assert.deepEqual(
      numbers,
      numbers.map((_, index) => index + 1),
    )
    await page.getByRole('heading', { name: 'Evidence for it' }).waitFor()
    await page.getByRole('heading', { name: 'What to do' }).first().waitFor()
    assert.deepEqual(await audit(page, 'investigation dark'), [])
    clean()
  })

  test('it is judged, looked at again, and its report is shared and no longer shared', async () => {
    await page.getByRole('button', { name: 'Partly' }).click()
    await page.getByRole('textbox', { name: 'What it really was' }).fill('The port was changed by hand')
    await page.getByRole('button', { name: 'Save' }).click()
    await page.getByText('It was: The port was changed by hand').waitFor()
    await page.getByRole('button', { name: 'Look now' }).click()
    await page.getByRole('list', { name: 'Looks' }).getByText('The cause is still there').waitFor()

    await page.getByRole('button', { name: 'Share' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByRole('button', { name: 'Create a link' }).click()
    const link = await dialog.getByLabel('Command').textContent()
    assert.deepEqual(await audit(page, 'share dark'), [])
    // Someone who has never signed in.
    const { context, page: guest } = await watchedPage(browser, { origin: url })
    assert.equal((await guest.goto(link)).status(), 200)
    await guest.getByRole('heading', { name: 'What could not be read' }).waitFor()
    await dialog.getByRole('button', { name: 'Revoke' }).click()
    await dialog.getByText('No link is valid now').waitFor()
    assert.equal((await guest.goto(link)).status(), 410)
    await context.close()
    await page.keyboard.press('Escape')
    clean()
  })

  test('the history is searched, and the assistant speaks of the investigation on screen', async () => {
    await page.keyboard.press('g')
    await page.keyboard.press('i')
    const list = page.getByRole('list', { name: 'Investigations' })
    await list.getByRole('link').waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('nothing of that name')
    await page.getByText('No investigation matches').waitFor()
    await page.getByRole('button', { name: 'Clear the filters' }).click()
    await list.getByRole('link').click()
    await page.getByRole('heading', { name: 'Conclusion' }).waitFor()
    await page.keyboard.press('Control+k')
    await page.getByRole('button', { name: 'New conversation' }).click()
    await page.getByRole('combobox', { name: /Ask the assistant/ }).fill('what did you find?')
    await page.keyboard.press('Enter')
    const answer = page
      .getByRole('log', { name: 'Conversation' })
      .getByRole('article', { name: /^Investigation/ })
    await answer.waitFor()
    assert.equal(new URL(await answer.getByRole('link').getAttribute('href'), url).href, investigation)
    await page.getByRole('button', { name: 'History' }).click()
    await page
      .getByRole('button', { name: /what is wrong/i })
      .first()
      .click()
    await page.getByRole('log', { name: 'Conversation' }).getByText(`${problems} problems`).first().waitFor()
    clean()
  })

  test('Esc closes the assistant and gives the focus back', async () => {
    await page.getByRole('combobox', { name: /Ask the assistant/ }).focus()
    await page.keyboard.press('Escape')
    await page.getByRole('log', { name: 'Conversation' }).waitFor({ state: 'hidden' })
    assert.equal(await page.evaluate(() => document.activeElement?.tagName), 'MAIN')
  })

  test('the conversation survives a reload', async () => {
    await page.reload()
    await settled()
    await page.keyboard.press('Control+k')
    await page.getByRole('log', { name: 'Conversation' }).getByText(`${problems} problems`).first().waitFor()
    await page.keyboard.press('Control+k')
    clean()
  })

  test('a list filters in plain words, and a chip can be removed', async () => {
    await page.keyboard.press('g')
    await page.keyboard.press('p')
    const grid = page.getByRole('grid', { name: 'Pods' })
    await grid.waitFor()
    const all = Number(await grid.getAttribute('aria-rowcount'))
    await page.keyboard.press('/')
    await page.keyboard.type('failing')
    await page.keyboard.press('Enter')
    const remove = page.getByRole('button', { name: /^Remove status is/ })
    await remove.waitFor()
    await page.waitForFunction(
      (before) => Number(document.querySelector('[role=grid]')?.getAttribute('aria-rowcount')) < before,
      all,
    )
    assert.match(page.url(), /q=failing/)
    await remove.click()
    await page.waitForFunction(
      (before) => Number(document.querySelector('[role=grid]')?.getAttribute('aria-rowcount')) === before,
      all,
    )
    clean()
  })

  test('the keyboard alone opens a row, its YAML, its events and its logs', async () => {
    const grid = page.getByRole('grid', { name: 'Pods' })
    await grid.focus()
    await page.keyboard.press('j')
    await page.keyboard.press('Enter')
    const panel = page.getByRole('complementary', { name: /^Pod / })
    await panel.getByRole('tab', { name: 'Summary' }).waitFor()
    await page.keyboard.press('y')
    await panel.getByLabel(/^YAML of/).waitFor()
    await page.keyboard.press('e')
    assert.match(page.url(), /tab=events/)
    await page.keyboard.press('l')
    await panel.getByLabel('Only lines with').waitFor()
    await page.keyboard.press('Escape')
    await panel.waitFor({ state: 'detached' })
    clean()
  })

  test('the theme switches and stays', async () => {
    assert.equal(await theme(), 'dark')
    await page.getByRole('button', { name: 'Theme' }).click()
    await page.getByRole('menuitemcheckbox', { name: 'Light' }).click()
    assert.equal(await theme(), 'light')
    await page.reload()
    await settled()
    assert.equal(await theme(), 'light')
    clean()
  })

  test('a folder is packed by the browser, uploaded and read', async () => {
    await page.goto(`${url}/clusters`)
    await settled()
    await connect('from-folder', () => page.getByLabel('Choose a folder').setInputFiles(folder))
    await page.getByRole('link', { name: `All ${problems} problems` }).waitFor()
    clean()
  })

  test('a model provider is set up, its key is kept, and its test says what is wrong', async () => {
    await page.goto(`${url}/models`)
    await page.getByRole('button', { name: 'Add a provider' }).first().click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Kind').selectOption('compatible')
    await dialog.getByLabel('Name').fill('nobody')
    await dialog.getByLabel('Model').fill('a-model')
    await dialog.getByLabel('Address').fill('http://127.0.0.1:9/v1')
    await dialog.getByLabel('Key').fill('a-key-of-nobody')
    await dialog.getByRole('button', { name: 'Add', exact: true }).click()
    await dialog.waitFor({ state: 'detached' })
    await page.getByRole('button', { name: 'Test', exact: true }).click()
    await page.getByText('Test failed').waitFor({ timeout: 30_000 })
    await page
      .getByText(/cannot be reached/)
      .first()
      .waitFor()
    assert.ok(!(await page.content()).includes('a-key-of-nobody'))
    await page.getByLabel('All, a month: tokens').fill('100')
    await page.getByRole('button', { name: 'Save the budgets' }).click()
    await page.getByText('Saved.').waitFor()
    await page.getByRole('button', { name: 'Test', exact: true }).click()
    await page.getByText('llm_budget_exceeded').waitFor()
    // The browser itself logs a refused request; that one was meant.
    assert.equal(troubles.length, 1)
    assert.match(troubles.pop(), /status of 429/)
  })

  test('a cluster is renamed, checked, and removed only when its name is typed', async () => {
    await page.goto(`${url}/clusters`)
    await settled()
    await page.getByRole('button', { name: 'Rename from-folder' }).click()
    await page.getByRole('textbox', { name: 'Name' }).fill('second')
    await page.getByRole('button', { name: 'Rename', exact: true }).click()
    const card = page.getByRole('listitem').filter({ has: page.getByRole('heading', { name: 'second' }) })
    await card.getByRole('button', { name: 'Check' }).click()
    await card.getByText('Reachable', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Remove second' }).click()
    const confirm = page.getByRole('dialog').getByRole('button', { name: 'Remove second' })
    assert.equal(await confirm.isDisabled(), true)
    await page.getByRole('textbox', { name: 'Type second to confirm' }).fill('second')
    await confirm.click()
    await card.waitFor({ state: 'detached' })
    await page.waitForTimeout(1000)
    clean()
  })

  for (const scheme of ['dark', 'light']) {
    test(`every page is accessible in the ${scheme} theme`, async () => {
      await page.evaluate((choice) => localStorage.setItem('kubilitics.theme', choice), scheme)
      const found = []
      for (const path of await routes()) {
        await page.goto(path)
        await settled()
        found.push(...(await audit(page, `${new URL(path).pathname}${new URL(path).search} ${scheme}`)))
      }
      assert.deepEqual(found, [])
      clean()
    })
  }
})

/** Every route, every tab, and one list per category. */
async function routes() {
  const kinds = [
    'Pod',
    'CronJob',
    'HorizontalPodAutoscaler',
    'Service',
    'PersistentVolumeClaim',
    'Secret',
    'ClusterRole',
    'Node',
    'Gateway',
  ]
  const pods = await page.evaluate(
    async (cluster) =>
      (await fetch(`/api/v1/clusters/${cluster}/resources/Pod?limit=1&q=CrashLoopBackOff`)).json(),
    home.split('/').at(-1),
  )
  const [{ namespace, name }] = pods.items
  const tabs = ['summary', 'yaml', 'events', 'logs', 'related']
  return [
    `${url}/clusters`,
    home,
    `${home}/problems`,
    `${home}/problems?severity=warning`,
    `${url}/investigations`,
    `${url}/models`,
    `${url}/investigations?q=nothing+of+that+name`,
    investigation,
    ...kinds.map((kind) => `${home}/k/${kind}`),
    `${home}/k/Pod?group=namespace&q=failing+nonsense`,
    `${home}/k/Pod?open=${namespace}/${name}`,
    ...tabs.map((tab) => `${home}/k/Pod/${namespace}/${name}?tab=${tab}`),
    `${url}/nowhere`,
  ]
}
