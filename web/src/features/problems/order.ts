import type { Problem, Severity } from '../../api/types'

const RANK: Record<Severity, number> = { critical: 0, warning: 1, info: 2 }

/** Worst first, then surest first; the server's order among equals. */
export function worstFirst(problems: Problem[]): Problem[] {
  return [...problems].sort((a, b) => RANK[a.severity] - RANK[b.severity] || b.probability - a.probability)
}

/** Names a problem in an address: the fact is its mode on its object. */
export function problemKey(problem: Problem): string {
  const { kind, namespace, name } = problem.resource
  return `${problem.mode}:${kind}/${namespace ?? ''}/${name}`
}

export interface ProblemFilter {
  namespace?: string
  severity?: string
}

export function matching(problems: Problem[], filter: ProblemFilter): Problem[] {
  return problems.filter(
    (problem) =>
      (!filter.severity || problem.severity === filter.severity) &&
      (!filter.namespace || problem.resource.namespace === filter.namespace),
  )
}

/** Namespaces that have problems, in order, for the filter. */
export function namespacesOf(problems: Problem[]): string[] {
  const names = problems
    .map((problem) => problem.resource.namespace)
    .filter((name): name is string => Boolean(name))
  return [...new Set(names)].sort()
}

/** What an investigation of a problem is asked. */
export function askedOf({ title, resource }: Problem, cluster: string) {
  return {
    cluster,
    question: `Why: ${title}, ${resource.kind} ${resource.name}?`,
    target: { kind: resource.kind, name: resource.name, namespace: resource.namespace ?? '' },
  }
}
