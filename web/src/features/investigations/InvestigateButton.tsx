import { useNavigate } from '@tanstack/react-router'
import { useMutation, useQueryClient } from '@tanstack/react-query'
import { startInvestigation } from '../../api/commands'
import { useMayWrite } from '../../api/roles'
import type { NewInvestigation } from '../../api/types'
import { Button } from '../../ui/Button'
import { Modal } from '../../ui/Modal'
import { ErrorNotice } from '../../ui/Notice'

/** Starts an investigation and opens its page, where the steps appear as they are done. */
export function useStartInvestigation() {
  const queries = useQueryClient()
  const navigate = useNavigate()
  return useMutation({
    mutationFn: (asked: Partial<NewInvestigation> & { cluster: string }) => startInvestigation(asked),
    onSuccess: async ({ id }, { cluster }) => {
      void queries.invalidateQueries({ queryKey: ['investigations'] })
      await navigate({
        to: '/c/$cluster/investigations/$investigation',
        params: { cluster, investigation: id },
      })
    },
  })
}

interface InvestigateButtonProps {
  asked: Partial<NewInvestigation> & { cluster: string; question: string }
  tone?: 'plain' | 'quiet'
  /** Tells this button from others like it on the page. */
  of?: string
}

/** One press: what is looked into is what the button stands beside. */
export function InvestigateButton({ asked, tone = 'plain', of }: InvestigateButtonProps) {
  const mayWrite = useMayWrite()
  const start = useStartInvestigation()
  if (!mayWrite) {
    return null
  }
  return (
    <>
      <Button
        tone={tone}
        icon="investigate"
        aria-label={of && `Investigate ${of}`}
        disabled={start.isPending}
        onClick={() => start.mutate(asked)}
      >
        {start.isPending ? 'Starting…' : 'Investigate'}
      </Button>
      {start.isError && (
        <Modal open onClose={start.reset} title="The investigation was not started" width={460}>
          <ErrorNotice error={start.error} onRetry={() => start.mutate(asked)} />
        </Modal>
      )}
    </>
  )
}
