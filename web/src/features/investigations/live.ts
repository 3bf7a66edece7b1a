import { useEffect, useState } from 'react'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { stepsAfter } from '../../api/commands'
import { investigationQuery, isRunning } from '../../api/queries'
import { socketUrl } from '../../api/socket'
import type { Hypothesis, Investigation, InvestigationStep } from '../../api/types'
import { StepFeed, type FeedState } from './feed'

/** An investigation that grows on screen while it runs, and is read in full once it has settled. */
export function useLiveInvestigation(id: string) {
  const queries = useQueryClient()
  const found = useQuery(investigationQuery(id))
  const [feed, setFeed] = useState<FeedState>('live')
  const [failure, setFailure] = useState<unknown>(null)
  const [round, setRound] = useState(0)
  const running = found.data !== undefined && isRunning(found.data)

  useEffect(() => {
    if (!running) {
      return
    }
    const { queryKey } = investigationQuery(id)
    const last = queries.getQueryData(queryKey)?.steps.at(-1)?.n ?? 0
    const follower = new StepFeed(socketUrl(), id, last, stepsAfter, {
      onSteps: (steps) =>
        queries.setQueryData(queryKey, (before) => (before ? withSteps(before, steps) : before)),
      onEnd: () => {
        void queries.invalidateQueries({ queryKey })
        void queries.invalidateQueries({ queryKey: ['investigations'] })
      },
      onState: setFeed,
      onFailure: setFailure,
    })
    setFailure(null)
    follower.start()
    return () => follower.close()
  }, [id, running, round, queries])

  return { found, running, feed, failure, followAgain: () => setRound((before) => before + 1) }
}

/** The investigation with more steps, and with the hypotheses that these propose or settle. */
export function withSteps(before: Investigation, more: InvestigationStep[]): Investigation {
  const known = new Set(before.steps.map((step) => step.n))
  const fresh = more.filter((step) => !known.has(step.n))
  if (fresh.length === 0) {
    return before
  }
  const steps = [...before.steps, ...fresh]
  const hypotheses = new Map<string, Hypothesis>(before.hypotheses.map((one) => [one.id, one]))
  for (const one of fresh.flatMap((step) => step.hypotheses)) {
    hypotheses.set(one.id, one)
  }
  return {
    ...before,
    status: before.status === 'created' ? 'investigating' : before.status,
    steps,
    steps_done: steps.length,
    hypotheses: [...hypotheses.values()],
  }
}
