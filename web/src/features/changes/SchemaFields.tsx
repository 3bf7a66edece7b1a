import { SelectField, TextArea, TextField } from '../../ui/Field'
import { SwitchField } from '../../ui/SwitchField'
import type { FormField } from './schemaForm'

interface SchemaFieldsProps {
  fields: FormField[]
  values: Record<string, string>
  errors: Record<string, string>
  onChange: (name: string, value: string) => void
}

/** Fields of a form that a schema describes; what is wrong stands under its field. */
export function SchemaFields({ fields, values, errors, onChange }: SchemaFieldsProps) {
  return fields.map((field) => {
    const error = errors[field.name]
    const common = {
      label: field.required ? field.label : `${field.label} (optional)`,
      hint: error ?? sentence(field.hint),
      value: values[field.name] ?? '',
      'aria-invalid': error ? true : undefined,
    }
    switch (field.input) {
      case 'switch':
        return (
          <SwitchField
            key={field.name}
            label={field.label}
            hint={sentence(field.hint)}
            checked={values[field.name] === 'true'}
            onChange={(checked) => onChange(field.name, String(checked))}
          />
        )
      case 'choice':
        return (
          <SelectField
            key={field.name}
            {...common}
            label={field.label}
            onChange={(event) => onChange(field.name, event.target.value)}
          >
            {field.choices.map((choice) => (
              <option key={choice}>{choice}</option>
            ))}
          </SelectField>
        )
      case 'area':
      case 'json':
        return (
          <TextArea
            key={field.name}
            {...common}
            maxLength={field.maxLength}
            onChange={(event) => onChange(field.name, event.target.value)}
          />
        )
      default:
        return (
          <TextField
            key={field.name}
            {...common}
            inputMode={field.input === 'number' ? 'numeric' : undefined}
            autoComplete="off"
            spellCheck={false}
            maxLength={field.maxLength}
            onChange={(event) => onChange(field.name, event.target.value)}
          />
        )
    }
  })
}

function sentence(hint: string): string | undefined {
  return hint ? hint.charAt(0).toUpperCase() + hint.slice(1) : undefined
}
