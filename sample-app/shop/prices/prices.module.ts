import { Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { PriceRepository } from './price.repository.js';
import { PricesController } from './prices.controller.js';
import { PricesService } from './prices.service.js';
import { Supplier } from './supplier.js';

@Module({
  imports: [ScheduleModule.forRoot()],
  controllers: [PricesController],
  providers: [PricesService, PriceRepository, Supplier],
})
export class PricesModule {}
