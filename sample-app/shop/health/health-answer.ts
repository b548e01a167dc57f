import { ApiProperty } from '@nestjs/swagger';

const parts = {
  type: 'object' as const,
  additionalProperties: {
    type: 'object',
    required: ['status'],
    properties: { status: { type: 'string', enum: ['up', 'down'] }, message: { type: 'string' } },
    additionalProperties: true,
  },
};

/** Whether a replica can work, part by part: `process`, `database`, `redis`, `locks`. */
export class HealthAnswer {
  @ApiProperty({ enum: ['ok', 'error', 'shutting_down'] })
  readonly status!: string;

  @ApiProperty({ ...parts, description: 'What is up.', example: { database: { status: 'up' } } })
  readonly info!: object;

  @ApiProperty({ ...parts, description: 'What is down.', example: {} })
  readonly error!: object;

  @ApiProperty({ ...parts, description: 'Both.', example: { database: { status: 'up' } } })
  readonly details!: object;
}
