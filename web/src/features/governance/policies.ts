import { useMutation, useQueryClient } from '@tanstack/react-query'
import { putPolicies } from '../../api/changeCommands'
import { policiesQuery } from '../../api/changeQueries'
import type { Policies, Policy } from '../../api/types'

/** Policies as the API takes them. What it returns is the same shape, but for the environments' keys. */
export const listOf = (found: Policies) => found.policies as unknown as Policy[]

/** Replaces all policies at once, over the revision that was read. */
export function usePutPolicies(found: Policies, onDone: () => void) {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (change: { policies?: Policy[]; environments?: { production: string[]; other: string[] } }) =>
      putPolicies({
        policies: change.policies ?? listOf(found),
        environments: change.environments ?? {
          production: found.environments.production ?? [],
          other: found.environments.other ?? [],
        },
        revision: found.revision,
      }),
    onSuccess: (saved) => {
      queries.setQueryData(policiesQuery().queryKey, saved)
      onDone()
    },
  })
}
