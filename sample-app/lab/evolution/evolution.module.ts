import { Global, Module } from '@nestjs/common';
import { SystemSwitch } from './system-switch.js';

@Global()
@Module({ providers: [SystemSwitch], exports: [SystemSwitch] })
export class EvolutionModule {}
