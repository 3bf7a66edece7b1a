import { useId } from 'react'
import type { TimeWindow } from '../../api/types'
import { TextField } from '../../ui/Field'
import { DAYS } from './policyForm'
import styles from './Governance.module.css'

/** Time zones that the browser knows, offered while typing. */
const ZONES: string[] = Intl.supportedValuesOf?.('timeZone') ?? []

interface WindowFieldsProps {
  legend: string
  window: TimeWindow
  onChange: (window: TimeWindow) => void
}

/** Days and hours of a time zone. An end before the start runs over midnight. */
export function WindowFields({ legend, window, onChange }: WindowFieldsProps) {
  const zones = useId()
  const turn = (day: (typeof DAYS)[number], on: boolean) =>
    onChange({ ...window, days: DAYS.filter((one) => (one === day ? on : window.days.includes(one))) })
  return (
    <fieldset className={styles.window}>
      <legend>{legend}</legend>
      <div className={styles.days}>
        {DAYS.map((day) => (
          <label key={day} className={styles.day}>
            <input
              type="checkbox"
              checked={window.days.includes(day)}
              onChange={(event) => turn(day, event.target.checked)}
            />
            {day.charAt(0).toUpperCase() + day.slice(1)}
          </label>
        ))}
      </div>
      <div className={styles.hours}>
        <TextField
          label="From"
          placeholder="08:00"
          pattern="\d\d:\d\d"
          required
          value={window.start}
          onChange={(event) => onChange({ ...window, start: event.target.value })}
        />
        <TextField
          label="To"
          placeholder="18:00"
          pattern="\d\d:\d\d"
          required
          value={window.end}
          onChange={(event) => onChange({ ...window, end: event.target.value })}
        />
        <TextField
          label="Time zone"
          placeholder="Europe/Berlin"
          list={zones}
          required
          value={window.timezone}
          onChange={(event) => onChange({ ...window, timezone: event.target.value })}
        />
        <datalist id={zones}>
          {['UTC', ...ZONES].map((zone) => (
            <option key={zone} value={zone} />
          ))}
        </datalist>
      </div>
    </fieldset>
  )
}
