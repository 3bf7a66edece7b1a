// Runs axe on the page as it is: WCAG 2.0 to 2.2, A and AA, and axe's best practices.
import { createRequire } from 'node:module'
import { readFileSync } from 'node:fs'

const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']

/** Violations as readable lines; empty when the page is clean. */
export async function audit(page, name) {
  // Evaluated by the debugger, which the page's content-security policy does not concern.
  await page.evaluate(source)
  const { violations } = await page.evaluate(
    (tags) => window.axe.run({ runOnly: { type: 'tag', values: tags } }),
    TAGS,
  )
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(
      (node) =>
        `${name}: ${id}: ${node.target.join(' ')}: ${(node.any[0] ?? node.all[0] ?? node.none[0])?.message ?? ''}`,
    ),
  )
}
