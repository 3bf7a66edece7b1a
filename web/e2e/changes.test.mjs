// From a wish to a change that is undone, in a real browser against the real service and its demo cluster:
//   KUBILITICS_URL=http://127.0.0.1:8000 CLUSTER=cl_... ADMIN_TOKEN=... node --test e2e/changes.test.mjs
// CLUSTER is the demo cluster, with a credential that may write. SHOTS=folder also keeps a picture of each screen, light and dark.
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { audit } from './audit.mjs'
import { launch, watchedPage } from './browser.mjs'

const url = required('KUBILITICS_URL')
const cluster = required('CLUSTER')
const token = required('ADMIN_TOKEN')
const shots = process.env.SHOTS

const WAIT_MS = 60_000
/** Executing and verifying: the pods of the simulated cluster take their time. */
const DONE_MS = 240_000

let browser
let page
let troubles
let undoneFrom

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

/** A refused request that was meant: the browser itself logs it. */
const refusedOnce = (status) => {
  assert.equal(troubles.length, 1, troubles.join('\n'))
  assert.match(troubles.pop(), new RegExp(`status of ${status}`))
}

async function local(action, body) {
  const response = await fetch(`${url}/local/people/${action}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  const answer = await response.json()
  assert.ok(response.ok, JSON.stringify(answer))
  return answer
}

async function settled() {
  await page.waitForLoadState('domcontentloaded')
  await page.waitForFunction(() => !document.querySelector('main [role=status][aria-label^=Loading]'))
  await page.waitForTimeout(150)
}

/** Axe in both themes, and a picture of each where pictures are wanted. */
async function looksRight(name) {
  await settled()
  const theme = await page.evaluate(() => document.documentElement.dataset.theme)
  for (const next of ['light', 'dark']) {
    await page.evaluate((chosen) => (document.documentElement.dataset.theme = chosen), next)
    assert.deepEqual(await audit(page, `${name} ${next}`), [])
    if (shots) await page.screenshot({ path: `${shots}/${name}-${next}.png` })
  }
  await page.evaluate((chosen) => (document.documentElement.dataset.theme = chosen), theme)
}

const open = (kind, namespace, name) => page.goto(`${url}/c/${cluster}/k/${kind}/${namespace}/${name}`)
const status = () => page.locator('main header [role=status]')
const button = (name) => page.getByRole('main').getByRole('button', { name, exact: true })

/** Opens the form of an action from the object's own page. */
async function choose(action) {
  await page.getByRole('button', { name: 'Change', exact: true }).click()
  await page.getByRole('menuitem', { name: action }).click()
  await page.getByRole('dialog').waitFor()
}

async function preview(why) {
  await page.getByLabel('Why').fill(why)
  await page.getByRole('dialog').getByRole('button', { name: 'Preview' }).click()
  await page.getByRole('heading', { name: 'What changes' }).waitFor()
  await settled()
}

/** Says yes in the way that the change asks for. */
async function approve() {
  await button('Approve…').click()
  const dialog = page.getByRole('dialog')
  await dialog.getByText('demo').first().waitFor()
  const yes = dialog.getByRole('button', { name: 'Approve', exact: true })
  const read = dialog.getByLabel('I have read what it affects')
  const typed = dialog.getByLabel(/^Type .* to confirm$/)
  if (await read.count()) {
    assert.ok(await yes.isDisabled())
    await read.check()
  } else if (await typed.count()) {
    const phrase = /^Type (.*) to confirm$/.exec(await dialog.locator('label').last().textContent())[1]
    await typed.fill(`${phrase}-not`)
    assert.ok(await yes.isDisabled())
    await typed.fill(phrase)
  }
  await yes.click()
  await dialog.waitFor({ state: 'detached' })
}

const done = (word = 'Done') => status().getByText(word, { exact: true }).waitFor({ timeout: DONE_MS })

/** Goes on as another person of this browser, by the account menu. */
async function become(name) {
  await page.locator('header button[title*=" of tenant "]').click()
  await page.getByRole('menuitemcheckbox', { name: new RegExp(`^${name}\\b`) }).click()
  await page.waitForFunction(
    (user) => document.querySelector('header button[title*=" of tenant "]')?.textContent.includes(user),
    name,
  )
  await settled()
}

describe('a change, from the wish to the way back', { concurrency: false }, () => {
  test('nothing was asked for yet, and the page says how it is done', async () => {
    await page.goto(`${url}/changes`)
    await page.getByText('No change has been asked for yet').waitFor()
    await looksRight('changes-empty')
    clean()
  })

  test('a restart is asked for on the page of a Deployment, and previewed', async () => {
    await open('Deployment', 'sandbox', 'demo-api')
    await choose('Restart a workload')
    await looksRight('ask')
    await preview('The journey of the tests.')
    assert.match(page.url(), /\/changes\/ch_/)
    await status().getByText('Waits for approval').waitFor()
    for (const title of ['What changes', 'Checks', 'Blast radius', 'Undo']) {
      await page.getByRole('heading', { name: title, exact: true }).waitFor()
    }
    await page.getByText('kubectl.kubernetes.io/restartedAt').first().waitFor()
    await looksRight('change-pending')
    clean()
  })

  test('approved, it is made, and verified', async () => {
    await approve()
    await done()
    await page.getByText('It did what it was for').waitFor()
    await looksRight('change-done')
    clean()
  })

  test('a scale is made and undone', async () => {
    await open('Deployment', 'sandbox', 'demo-api')
    await choose('Scale a workload')
    await page.getByRole('dialog').getByRole('button', { name: 'Preview' }).click()
    await page.getByText('Replicas is needed.').waitFor()
    await page.getByLabel('Replicas', { exact: true }).fill('3')
    await preview('More of it.')
    await approve()
    await done()
    undoneFrom = page.url()
    await button('Undo').click()
    await page.waitForURL((next) => next.href !== undoneFrom && next.pathname.includes('/changes/'))
    await status().getByText('Waits for approval').waitFor()
    await page.getByRole('link', { name: 'Undoes an earlier change' }).waitFor()
    await approve()
    await done()
    await page.goto(undoneFrom)
    await page.getByRole('link', { name: 'Undone by a later change' }).waitFor()
    assert.equal(await button('Undo').count(), 0)
    clean()
  })

  test('what a rule forbids is refused with the rule and a remedy', async () => {
    await open('Deployment', 'kube-system', 'coredns')
    await choose('Scale a workload')
    await page.getByLabel('Replicas', { exact: true }).fill('0')
    await preview('To see it refused.')
    await status().getByText('Refused').waitFor()
    await page.getByRole('heading', { name: 'Why it is refused' }).waitFor()
    await page.getByText('system namespaces').first().waitFor()
    assert.equal(await button('Approve…').count(), 0)
    await looksRight('change-refused')
    clean()
  })

  test('a policy asks for a second person', async () => {
    await page.goto(`${url}/policies`)
    await page.getByText('No policy yet').waitFor()
    await button('Add a policy').click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Name', { exact: true }).fill('Two people for the lab')
    await dialog.getByLabel('Namespaces').fill('sandbox')
    await dialog.getByLabel('A second person has to approve').check()
    await looksRight('policy')
    await dialog.getByRole('button', { name: 'As JSON' }).click()
    assert.match(await dialog.getByLabel('Policy as JSON').inputValue(), /"second_person": true/)
    await dialog.getByRole('button', { name: 'As a form' }).click()
    await dialog.getByRole('button', { name: 'Save' }).click()
    await page.getByRole('group', { name: 'Policies' }).getByText('a second person').waitFor()
    await looksRight('policies')
    clean()
  })

  test('who asked cannot be the second person, a viewer sees no button at all, and the second person approves', async () => {
    await open('Deployment', 'sandbox', 'lab')
    await choose('Restart a workload')
    await preview('Two have to say yes.')
    const asked = page.url()
    await page.getByText('A second person has to approve it: you asked for it yourself.').waitFor()
    assert.equal(await button('Approve…').count(), 0)

    const ana = await local('add', { name: 'ana', role: 'viewer', tenant: '' })
    const bob = await local('add', { name: 'bob', role: 'admin', tenant: '' })
    await page.goto(url + ana.path)
    await page.goto(url + bob.path)
    await become('ana')
    await page.goto(asked)
    await page.getByText('Your role (viewer) may not approve.').waitFor()
    for (const name of ['Approve…', 'Reject…', 'Take it back…']) {
      assert.equal(await button(name).count(), 0, name)
    }
    await looksRight('change-viewer')
    await page.getByRole('button', { name: 'Governance' }).click()
    await page.getByRole('link', { name: 'Policies', exact: true }).waitFor()
    assert.equal(await page.getByRole('link', { name: 'Audit', exact: true }).count(), 0)
    await open('Deployment', 'sandbox', 'lab')
    await settled()
    assert.equal(await page.getByRole('button', { name: 'Change', exact: true }).count(), 0)

    await become('bob')
    await page.goto(asked)
    await settled()
    await approve()
    await done()
    await page.getByRole('list', { name: 'Approvals' }).getByText('bob').waitFor()
    clean()
  })

  test('a playbook is planned whole and can be taken back', async () => {
    await page.goto(`${url}/playbooks`)
    await settled()
    await looksRight('playbooks')
    await page.getByRole('button', { name: 'Plan a run of Drain a node for maintenance' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Cluster').selectOption(cluster)
    await dialog.getByLabel('Node').fill('no-such-node')
    await dialog.getByRole('button', { name: 'Plan', exact: true }).click()
    await dialog.getByRole('alert').waitFor()
    refusedOnce(404)
    await dialog.getByRole('button', { name: 'Cancel' }).click()
    await page.getByRole('button', { name: 'Plan a run of Restart and verify' }).click()
    await dialog.getByLabel('Cluster').selectOption(cluster)
    await dialog.getByLabel('Kind').fill('Deployment')
    await dialog.getByLabel('Namespace').fill('sandbox')
    await dialog.getByLabel('Name', { exact: true }).fill('demo-api')
    await dialog.getByRole('button', { name: 'Plan', exact: true }).click()
    await page.getByRole('heading', { name: 'Steps' }).waitFor()
    await looksRight('run')
    await button('Take it back').click()
    await status().getByText('Cancelled').waitFor()
    clean()
  })

  test('a schedule is proposed, and in force only after its name was typed', async () => {
    await page.goto(`${url}/playbooks?tab=schedules`)
    await page.getByRole('button', { name: 'Propose a schedule' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Name', { exact: true }).fill('office hours')
    await dialog.getByLabel('Cluster').selectOption(cluster)
    await dialog.getByLabel('Namespaces').fill('no-such-place')
    await dialog.getByLabel('Time zone').fill('Europe/Nowhere')
    await dialog.getByRole('button', { name: 'Propose' }).click()
    await dialog.getByRole('alert').waitFor()
    refusedOnce(400)
    await dialog.getByLabel('Time zone').fill('Europe/Berlin')
    await looksRight('schedule')
    await dialog.getByRole('button', { name: 'Propose' }).click()
    const table = page.getByRole('group', { name: 'Schedules' })
    await table.getByText('Waits for approval').waitFor()
    await table.getByRole('button', { name: 'Approve office hours' }).click()
    const yes = dialog.getByRole('button', { name: 'Approve', exact: true })
    assert.ok(await yes.isDisabled())
    await dialog.getByLabel('Type office hours to confirm').fill('office hours')
    await yes.click()
    await table.getByRole('button', { name: 'Pause office hours' }).click()
    await table.getByText('Paused').waitFor()
    await looksRight('schedules')
    await table.getByRole('button', { name: 'Remove office hours' }).click()
    await dialog.getByRole('button', { name: 'Remove' }).click()
    await page.getByText('No schedule yet').waitFor()
    clean()
  })

  test('a standing approval is signed by typing it, and revoked', async () => {
    await page.goto(`${url}/autonomy`)
    await settled()
    await page.getByRole('button', { name: 'Sign one' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('On which problem').fill('oom_killed')
    await dialog.getByLabel('Cluster').selectOption(cluster)
    await dialog.getByLabel('Namespaces').fill('sandbox')
    await dialog.getByLabel('Kinds').fill('Deployment')
    await dialog.getByLabel('Do', { exact: true }).selectOption('restart')
    await looksRight('standing')
    await dialog.getByLabel('Type oom_killed restart to sign').fill('oom_killed restart')
    await dialog.getByRole('button', { name: 'Sign' }).click()
    const table = page.getByRole('group', { name: 'Standing approvals' })
    await table.getByText('oom_killed').waitFor()
    await page.getByLabel('Level everywhere').selectOption('4')
    await page.reload()
    await settled()
    assert.equal(await page.getByLabel('Level everywhere').inputValue(), '4')
    await page.getByLabel('Level everywhere').selectOption('3')
    await looksRight('autonomy')
    await table.getByRole('button', { name: 'Revoke oom_killed restart' }).click()
    await page.getByText('Nothing may be done alone').waitFor()
    clean()
  })

  test('the list, the log and its chain hold all of it', async () => {
    await page.goto(`${url}/changes`)
    const list = page.getByRole('list', { name: 'Changes' })
    await list.waitFor()
    assert.ok((await list.getByRole('listitem').count()) >= 5)
    await looksRight('changes')
    await page.getByLabel('Status').selectOption('refused')
    await page.waitForURL(/status=refused/)
    await settled()
    assert.equal(await list.getByRole('listitem').count(), 1)

    await page.keyboard.press('g')
    await page.keyboard.press('l')
    await page.getByRole('heading', { name: 'Audit', level: 1 }).waitFor()
    await button('Verify the chain').click()
    await page.getByText(/^Intact: \d+ entries/).waitFor()
    await looksRight('audit')
    await page.getByLabel('Action', { exact: true }).fill('change.approved')
    await page.waitForURL(/action=change\.approved/)
    await settled()
    const log = page.getByRole('group', { name: 'Audit log' })
    await log.getByText('change.requested').first().waitFor({ state: 'detached' })
    assert.ok((await log.getByText('change.approved').count()) >= 4)
    const file = await page.getByRole('link', { name: 'Export CSV' }).getAttribute('href')
    const rows = (await (await page.request.get(url + file)).text()).trim().split('\n')
    assert.match(rows[0], /^seq,at,actor,action/)
    assert.ok(rows.slice(1).every((row) => row.includes('change.approved')))
    clean()
  })

  test('users are added with a token shown once', async () => {
    await page.goto(`${url}/users`)
    await button('Add a user').click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Name', { exact: true }).fill('cem')
    await dialog.getByRole('button', { name: 'Add', exact: true }).click()
    await dialog.getByText(/^kbl_/).waitFor()
    await dialog.getByRole('button', { name: 'Done' }).click()
    await page.getByRole('button', { name: 'A sign-in link for cem' }).click()
    await dialog.getByRole('button', { name: 'Make a link' }).click()
    await dialog.getByText(/\/\?key=link_/).waitFor()
    await page.keyboard.press('Escape')
    await looksRight('users')
    await page.locator('header button[title*=" of tenant "]').click()
    await page.getByRole('menuitemcheckbox', { name: /^ana\b/ }).waitFor()
    await looksRight('account')
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: /^Notices/ }).click()
    await page.getByRole('heading', { name: 'Notices' }).waitFor()
    await looksRight('notices')
    clean()
  })
})
