import { Global, Module } from '@nestjs/common';
import { readConfig, SHOP_CONFIG } from './config.js';

@Global()
@Module({
  providers: [{ provide: SHOP_CONFIG, useFactory: () => readConfig() }],
  exports: [SHOP_CONFIG],
})
export class ConfigModule {}
